"""Planning a run on a cluster: executors, duration and price, from the measured and assumed rates in `rates.toml`.

`clouds` runs the stages on the services of AWS and Google. Imports `run`, `storage`, `options`, `console` and `errors`.
"""
