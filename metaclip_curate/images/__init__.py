"""Images after curation: downloading those of a manifest politely and within bounds.

What handles an image's bytes or the connection to its host belongs here. Imports `run`, `storage`, `options`, `console`
and `errors`.
"""
