"""The options of every stage and command as frozen dataclasses, and how they become a command line or come from a file.

A field with its help text, default and range belongs here, and nothing that acts on it. Imports only `errors`.
"""
