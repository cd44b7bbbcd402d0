"""Training: the options, the loop, one step, the learning rate, checkpoints and logs.

Imports `trainer.data`, `trainer.models`, and what the trainer may import of the package.
"""
