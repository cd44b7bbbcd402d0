"""The commands: each parses options, calls a pipeline or a room below, and prints.

What computes belongs into the room that a command calls. A command imports that room where it runs, so that the help
needs neither Arrow nor Spark. Imports every room but `trainer`.
"""
