"""Models and their tokenizers: open_clip's, with the configurations here added to its list, and transformers'.

Imports what the trainer may import of the package.
"""
