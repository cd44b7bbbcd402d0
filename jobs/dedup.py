"""spark-submit jobs/dedup.py OPTIONS: the command `metaclip-curate dedup` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("dedup")
