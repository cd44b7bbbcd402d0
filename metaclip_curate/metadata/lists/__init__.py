"""Metadata folders: reading, writing and describing one ordered list of entries per language.

Imports `storage`, `options` and `errors`.
"""
