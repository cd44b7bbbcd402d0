"""`python -m metaclip_curate.trainer.evaluate`."""

import sys

from metaclip_curate.trainer.evaluate.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
