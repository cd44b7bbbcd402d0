"""The wheel, and the environment archive that `spark-submit --archives` carries to a cluster."""
