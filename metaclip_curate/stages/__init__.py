"""The stages as functions from Spark DataFrames to Spark DataFrames: the only code that knows Spark."""
