"""A Spark cluster on one or several machines, from the pip package of Spark alone."""
