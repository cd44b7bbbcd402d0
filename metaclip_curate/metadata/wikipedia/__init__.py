"""Wikipedia's text: from the files of Wikimedia and Hugging Face to plain text and tokens, in splits that tasks share.

`file_names` and `dump_files` recognise files; `splits` divides them; `container`, `bzip2` and `records` read the pages
that begin in a split; `page`, `json_line`, `wikitext` and `cleaner` turn them into text, `segment` into tokens. Imports
`storage`, `options`, `language` and `errors`, none of the other rooms of `metadata`.
"""

LEFT_OUT = "\ufffc"  # U+FFFC, the object replacement character: stands in plain text for content that isn't text
