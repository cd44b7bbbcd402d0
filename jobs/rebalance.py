"""spark-submit jobs/rebalance.py OPTIONS: the command `metaclip-curate rebalance` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("rebalance")
