"""spark-submit jobs/threshold.py OPTIONS: the command `metaclip-curate threshold` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("threshold")
