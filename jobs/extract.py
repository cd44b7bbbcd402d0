"""spark-submit jobs/extract.py OPTIONS: the command `metaclip-curate extract` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("extract")
