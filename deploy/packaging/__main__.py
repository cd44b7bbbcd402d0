"""python -m deploy.packaging --output dist: the wheel, the environment archive, job scripts and Spark's settings."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from deploy.packaging.archive import write_archive
from deploy.packaging.environment import describe, stage_environment
from deploy.packaging.release import check_version
from deploy.packaging.wheel import build_wheel
from metaclip_curate import __version__
from metaclip_curate.errors import UserError

ROOT = Path(__file__).parent.parent.parent


def package(output: Path, extras: tuple[str, ...]) -> Path:
    """Builds the files for a cluster from the running Python and the packages that are installed in it.

    Args:
        output: Folder to write to.
        extras: Extras of the project whose packages the archive includes.

    Returns:
        The archive.

    Raises:
        UserError: A package is missing, this Python can't be relocated, or the files that name the version
            disagree.
    """
    check_version(ROOT, __version__)
    output.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel(ROOT, output)
    stage = output / "environment"
    shutil.rmtree(stage, ignore_errors=True)
    try:
        stage_environment(wheel, ROOT / "jobs", extras, stage)
        version = wheel.name.split("-")[1]
        about = describe(stage)
        archive = output / f"metaclip-curate-{version}-{about['tag']}.tar.gz"
        write_archive(stage, archive)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(ROOT / "jobs", output / "jobs", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "deploy" / "spark-defaults.conf", output / "spark-defaults.conf")
    pins = [f"{name}=={one}" for name, one in about["packages"].items() if name != "metaclip-curate"]
    (output / "requirements.txt").write_text("\n".join(pins) + "\n")
    return archive


def main() -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser("python -m deploy.packaging", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", type=Path, default=Path("dist"), help="folder to write to (default: dist)")
    parser.add_argument(
        "--extras", default="gcs", help="extras that the archive includes, comma-separated (default: gcs)"
    )
    given = parser.parse_args()
    try:
        archive = package(given.output, tuple(name for name in given.extras.split(",") if name))
    except UserError as error:
        print(f"package: {error}", file=sys.stderr)
        return 2
    print(f"{archive}  {archive.stat().st_size / 1e6:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
