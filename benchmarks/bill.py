"""The cost of a crawl, from the seconds that a file takes."""

from __future__ import annotations

WAT_MB = 400  # a WAT of Common Crawl as stored
WATS_PER_CRAWL = 90_000
# Assumption: cc2dataset's users report 70,000 core-hours for $2,800 on spot instances (5 million WATs, 2022-2023).
DOLLARS_PER_CORE_HOUR = 0.04
CC2DATASET_SECONDS = 50  # of a core for a WAT, without languages: 70,000 hours / 5 million


def print_bill(stored_mb: float, seconds: float, spark_efficiency: float) -> None:
    """Prints the time of a WAT and of a crawl at a measured rate.

    Args:
        stored_mb: Size of the input as stored, in millions of bytes.
        seconds: Seconds of one core that it took, language identification included.
        spark_efficiency: Rate through Spark over the rate of the same cores without it.
    """
    per_wat = seconds / stored_mb * WAT_MB
    hours = per_wat / spark_efficiency * WATS_PER_CRAWL / 3600
    print(f"\n  one WAT of {WAT_MB} MB: {per_wat:.0f} s of a core (cc2dataset: {CC2DATASET_SECONDS} s, no languages)")
    print(
        f"  a crawl of {WATS_PER_CRAWL:,} WATs through Spark: {hours:,.0f} core-hours, "
        f"${hours * DOLLARS_PER_CORE_HOUR:,.0f}"
    )
    print(
        f"  assumed: this machine's cores, ${DOLLARS_PER_CORE_HOUR} a core-hour (spot, as cc2dataset's users report), "
        "no waiting for the network"
    )
