"""The training loop: options and recipes, one step, loss, precision, learning rate, checkpoints and metrics.

Imports `trainer.data`, `trainer.models`, `trainer.evaluate`, `run`, `options`, `storage` and `errors`.
"""
