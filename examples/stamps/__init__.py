"""From pages about Debian's Tux Paint stamps to two tiny CLIPs: balanced data against data as found, of the same size.

`collection` has the pictures and captions, `web` writes pages about them with a web-like skew, `pictures` serves the
images, `experiment` trains and measures. `make train-mini` runs it all.
"""
