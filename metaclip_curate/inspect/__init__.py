"""Looking at a finished run: why one pair was kept or not, samples of pairs, and what differs between two runs.

Nothing here changes a run. Imports `run`, the algorithm's modules, `extract`, `metadata`, and what is below them.
"""
