"""Sequences of stages on a folder. A pipeline computes what is missing, and records and keeps what is finished.

A pipeline calls stages in their order and holds no computation of its own. Imports everything but `commands` and
`trainer`.
"""
