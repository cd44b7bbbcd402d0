"""Evaluation: zero-shot classification and retrieval, language by language.

Imports `trainer.models`, `trainer.data`, and what the trainer may import of the package.
"""
