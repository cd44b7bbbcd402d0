"""What several stages need of Spark: partitioning, reading and writing Parquet files, exact sums.

A helper belongs here when two stages use it. Imports what `stages` may, and no stage.
"""
