"""The training loop: options and recipes, one step, loss, precision, learning rate, checkpoints and metrics.

Imports `trainer.data`, `trainer.models`, `options`, `storage` and `errors`.
"""
