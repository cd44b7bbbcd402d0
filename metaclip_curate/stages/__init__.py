"""The stages of a run: functions from Spark DataFrames to Spark DataFrames, or that let workers write files.

All code that computes with Spark belongs here. Imports everything but `pipelines`, `trainer` and `commands`.
"""
