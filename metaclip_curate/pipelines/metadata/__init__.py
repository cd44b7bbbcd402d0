"""Building metadata: a stage for each kind of source, then one merged list per language.

Calls the stages in `stages.metadata` and the pure steps in `metadata.building`. Imports the same rooms as `pipelines`.
"""
