"""`python -m metaclip_curate`, the same as `metaclip-curate`."""

from metaclip_curate.cli import entry_point

if __name__ == "__main__":
    entry_point()
