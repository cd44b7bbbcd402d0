"""What is given to others with a manifest: the data card, the data set's README, exports for other tools.

Imports `run`, `schemas`, `storage`, `options`, `console` and `errors`.
"""
