"""spark-submit jobs/match.py OPTIONS: the command `metaclip-curate match` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("match")
