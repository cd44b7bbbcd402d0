"""Wikipedia's text: from the files that Wikimedia and Hugging Face publish to plain text, in pieces that tasks share.

`sources` says what a file is; `ranges` cuts it into ranges of bytes; `container` unpacks the range of a task, with
`bzip2` for the blocks of .bz2; `records` finds the pages or lines that begin in it; `articles` makes texts of them,
with `page` for XML, `json_line` for JSON, `wikitext` for markup, which `cleaner` keeps in a process of its own;
`account` says what became of every page. `multistream` holds a dump against its index, `siteinfo` reads a dump's
header.
"""

LEFT_OUT = "\ufffc"  # in plain text: the object replacement character, for what stood there and is no text
