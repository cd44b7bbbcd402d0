"""spark-submit jobs/count.py OPTIONS: the command `metaclip-curate count` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("count")
