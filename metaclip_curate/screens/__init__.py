"""Screens: rules that reject a pair for a named reason, without Spark.

A screen reads columns of distinct pairs as Arrow arrays and returns which of them it rejects; `Screens` has all of a
run's screens, and gives each pair the first reason in the order of `reasons.REASONS` (spec section 6). Imports
`matching`, `storage`, `options`, `schemas` and `errors`.
"""
