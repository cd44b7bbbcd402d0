"""Metadata folders: reading, writing and describing one ordered list of entries for every language.

Imports `storage`, `options` and `errors`.
"""
