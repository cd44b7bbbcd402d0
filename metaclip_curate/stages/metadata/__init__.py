"""The stages that build metadata: n-grams and titles of Wikipedia, and the ranking of candidates for the merge.

They take and return DataFrames, or let the workers write files. Imports the same rooms as `stages`.
"""
