"""spark-submit jobs/report.py OPTIONS: the command `metaclip-curate report` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("report")
