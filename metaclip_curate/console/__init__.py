"""What a person at a terminal sees: tables, progress, messages about failures, and the handling of Ctrl-C.

Code that formats or prints belongs here, and nothing that knows a run folder or Spark. Imports only `errors`.
"""
