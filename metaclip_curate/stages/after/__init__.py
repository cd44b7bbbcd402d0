"""What commands compute by Spark from a finished run: comparisons, exports, surviving images, choices of t.

Each function takes and returns DataFrames or writes files from the workers. Imports what `stages` may.
"""
