"""Metadata: the entries that texts are matched with, one ordered list a language (spec section 3).

`folder` reads a folder of lists; `starter` makes a small one from word frequencies, whose words `word_forms` turns
into entries.
"""
