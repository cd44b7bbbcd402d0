"""Building metadata: one stage for every source, then one merged list for every language.

It calls the stages in `stages.metadata` and the pure steps in `metadata.building`. Imports what its parent room may.
"""
