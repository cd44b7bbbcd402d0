"""Building the wheel and the environment archive that `spark-submit --archives` distributes to a cluster."""
