"""Models with their transforms and tokenizers, from open_clip or transformers, and configurations of further models.

Imports `storage` and `errors`.
"""
