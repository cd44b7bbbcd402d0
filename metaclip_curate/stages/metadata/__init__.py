"""The stages that build metadata: n-grams and titles of Wikipedia, and the merge of ranked sources.

Each takes and returns DataFrames or writes files from the workers. Imports what `stages` may.
"""
