"""Curation without a run folder, for notebooks and scripts: of an Arrow table (`small`) or a Spark DataFrame (`frame`).

`stages` has each stage as a function from DataFrames to DataFrames. The rules are those of the rooms below, and nothing
is computed here in another way. `small`, and what it imports, needs no Spark. Imports everything but `commands` and
`trainer`.
"""
