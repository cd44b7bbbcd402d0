"""Looking at a finished run: why one pair was kept or not, samples of pairs, two runs compared.

What is read here is shown to a person and changes nothing. Imports `run`, the algorithm's modules, and what is below
them.
"""
