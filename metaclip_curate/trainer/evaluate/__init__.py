"""Zero-shot classification and retrieval, evaluated for each language.

Imports `trainer.models`, `trainer.data`, `options`, `console` and `errors`.
"""
