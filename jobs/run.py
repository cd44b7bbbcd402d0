"""spark-submit jobs/run.py OPTIONS: the command `metaclip-curate run` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("run")
