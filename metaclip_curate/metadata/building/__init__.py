"""The pure steps of building a list: n-gram statistics, merging ranked sources within limits, and the record.

Imports `storage`, `options`, the other rooms of `metadata`, and `errors`.
"""
