"""Starting a Spark session, finding a Java for it, and following its progress.

Only code that configures or watches Spark belongs here; computations with it are in `stages`. Imports `storage`,
`options`, `console` and `errors`.
"""
