"""spark-submit jobs/export.py OPTIONS: the command `metaclip-curate export` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("export")
