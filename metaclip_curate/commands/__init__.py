"""The commands around a finished run, each with its options, and how options are read from a command line."""
