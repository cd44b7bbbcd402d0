"""Helpers of several stages: partitioning, reading and writing Parquet files, exact sums.

A helper belongs here if two stages use it. Imports what `stages` may, but no stage.
"""
