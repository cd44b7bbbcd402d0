"""spark-submit jobs/build_metadata.py OPTIONS: `metaclip-curate metadata build` on the session of spark-submit."""

from metaclip_curate.cli import job

if __name__ == "__main__":
    job("metadata", "build")
