"""Running all stages on a cloud's Spark: the package goes into a bucket, a stage is a job, all ends with the run.

`deployment` says what is sent, the same for all services; `emr`, `emr_serverless`, `dataproc` and `dataproc_batches`
make a service's requests of it, which need neither credentials nor network, and then send and follow them.
"""
