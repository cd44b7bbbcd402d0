"""Running all stages on a cloud's Spark service: upload the package, submit a job per stage, follow them, clean up.

`deployment` describes what is sent, `service_run` is the base of the runs on all services, and a module per service
turns a deployment into requests. `services` chooses the service. Imports `cluster`, `run`, `storage`, `options`,
`console` and `errors`.
"""
