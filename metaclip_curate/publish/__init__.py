"""What is published with a manifest: the data card, the data set's README, and exports for other tools.

Imports `run`, `schemas`, `storage`, `options`, `console` and `errors`.
"""
