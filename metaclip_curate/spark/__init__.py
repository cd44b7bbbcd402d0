"""Starting a Spark session, finding a Java for it, and following its progress.

Only code that configures or watches Spark belongs here; what is computed with it is in `stages`. Imports `options`,
`console` and `errors`.
"""
