"""A Spark cluster on one or several machines that needs only the pip package of Spark."""
