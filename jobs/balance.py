"""spark-submit jobs/balance.py OPTIONS: the command `metaclip-curate balance` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("balance")
