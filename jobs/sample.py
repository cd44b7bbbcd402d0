"""spark-submit jobs/sample.py OPTIONS: the command `metaclip-curate sample` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("sample")
