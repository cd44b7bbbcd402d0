"""Running all stages on a cloud's Spark service: upload the package, submit a job per stage, follow them, clean up.

`deployment` describes what is sent, `service` what all services have in common, and a module per service turns a
deployment into requests. Imports `cluster`, `run`, `storage`, `options`, `console` and `errors`.
"""
