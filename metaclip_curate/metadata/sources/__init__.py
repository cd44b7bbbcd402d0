"""The sources of entries: wordnets, page titles, word frequencies, the editions of Wikipedia, and fetching them.

One module a source, from the files that it comes in to candidates. Imports `storage`, `options`, `metadata.lists` and
`errors`.
"""
