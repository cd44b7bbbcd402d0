"""The options of every stage and command, as frozen dataclasses, and how they become a command line.

A field with its help text, default and range belongs here, and nothing that acts on it. Imports only `errors`.
"""
