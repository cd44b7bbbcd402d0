"""Open, distributed, reproducible curation of image-text data for CLIP training.

The library without Spark is `metaclip_curate.extract`, `language`, `matching` and `balance`; `stages` holds the same
steps as functions from Spark DataFrames to Spark DataFrames.
"""

__version__ = "0.1.0"
