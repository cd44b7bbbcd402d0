"""Planning a run on a cluster: the number of executors, how long it takes and what it costs.

Measured and assumed rates are in `rates.toml`. Imports `run`, `storage`, `options`, `console` and `errors`.
"""
