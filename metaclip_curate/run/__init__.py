"""A run folder: its record `run.json`, the files of its tables, and the one process that may write it.

Code that reads or changes a run folder without Spark belongs here. Imports `storage`, `options`, `console`, `schemas`
and `errors`.
"""
