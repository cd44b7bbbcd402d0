"""Sequences of stages on a folder: what is missing is computed, and what is finished is recorded and kept.

A pipeline calls stages in their order and holds no computation of its own. Imports everything but `commands` and
`trainer`.
"""
