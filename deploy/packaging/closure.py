"""Which installed packages the project needs."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from metaclip_curate.errors import UserError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Clusters bring Spark, in the version of their JVM's; a second one in front of it would not fit.
SPARKS = frozenset({"pyspark", "py4j", "pyspark-client", "pyspark-connect"})


def needed_distributions(project: Distribution, extras: tuple[str, ...]) -> list[Distribution]:
    """Follows the requirements of the project through what is installed.

    Args:
        project: The project's own distribution.
        extras: Its extras that are needed too.

    Returns:
        The distributions but the project's, by name.

    Raises:
        UserError: One isn't installed, or not in the version that is asked for; or an extra asks for Spark.
    """
    unknown = set(extras) - set(project.metadata.get_all("Provides-Extra") or [])
    if unknown:
        raise UserError(f"there is no extra {', '.join(sorted(unknown))}: see pyproject.toml for those there are")
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    pending = [(project, extra) for extra in ("", *extras)]
    while pending:
        dependent, extra = pending.pop()
        for text in dependent.requires or []:
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            if name in SPARKS:
                raise UserError(f"{dependent.name} with the extra {extra} asks for {name}, which the cluster brings")
            found[name] = _installed(requirement)
            for wanted in ("", *requirement.extras):
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    pending.append((found[name], wanted))
    return [found[name] for name in sorted(found)]


def _installed(requirement: Requirement) -> Distribution:
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError as error:
        raise UserError(f"{requirement} isn't installed: pip install it where this command runs") from error
    if not requirement.specifier.contains(installed.version, prereleases=True):
        raise UserError(f"{requirement} is asked for and {installed.version} is installed: pip install '{requirement}'")
    return installed
