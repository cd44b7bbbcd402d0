"""The sources of entries: wordnets, page titles, word frequencies, editions of Wikipedia, and how they are downloaded.

Each module turns the files of one source into candidates. Imports `metadata.lists`, `metadata.wikipedia`, `language`,
`storage`, `options` and `errors`.
"""
