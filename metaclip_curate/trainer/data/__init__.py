"""From a manifest and its images to batches: sources of shards, the order of an epoch, decoding, the loader.

Imports what the trainer may import of the package.
"""
