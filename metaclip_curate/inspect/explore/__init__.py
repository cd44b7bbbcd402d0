"""A page on this computer to search the pairs of a run, which needs the extra `explore`.

`index` copies what is searched into a temporary DuckDB file, `search` asks it, and `server` shows the answers.
"""
