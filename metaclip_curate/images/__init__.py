"""Images after curation: downloading those of a manifest within limits, and what is computed of downloaded images.

What handles an image's bytes or the connection to its host belongs here. Imports `run`, `extract`, `storage`,
`options`, `console` and `errors`.
"""
