"""What commands compute by Spark from a finished run: comparisons, exports, downloaded pairs, candidate thresholds.

Each function takes and returns DataFrames, or lets the workers write files. Imports what `stages` may, and `publish`.
"""
