"""From pages about Debian's Tux Paint stamps to two tiny CLIPs: balanced data against unbalanced data of the same size.

`collection` finds images and captions, `web` writes pages about them with a web-like skew, `pictures` serves the
images, `experiment` trains and measures. `make train-mini` runs all of it.
"""
