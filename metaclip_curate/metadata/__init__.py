"""Metadata: the entries that texts are matched against, one ordered list per language (spec section 3).

`lists` reads and writes folders of lists, `sources` turns wordnets, titles and word frequencies into candidates,
`wikipedia` reads dumps, and `building` merges candidates into lists. Imports `language`, `storage`, `console`,
`options` and `errors`.
"""
