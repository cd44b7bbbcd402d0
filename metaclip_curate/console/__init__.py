"""What a person at a terminal sees: tables, progress, messages of failures, and what Ctrl-C does.

Code that formats or prints belongs here, and none that knows a run folder or Spark. Imports only `errors`.
"""
