"""The installed packages that the project requires, directly and indirectly."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from metaclip_curate.errors import UserError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Clusters provide PySpark in the version of their JVM's Spark; a second one before it would not match.
SPARKS = frozenset({"pyspark", "py4j", "pyspark-client", "pyspark-connect"})


def required_distributions(project: Distribution, extras: tuple[str, ...]) -> list[Distribution]:
    """Follows the requirements of the project through the installed distributions.

    Args:
        project: Distribution of the project.
        extras: Extras of the project whose requirements are included.

    Returns:
        The required distributions without that of the project, sorted by name.

    Raises:
        UserError: A distribution isn't installed in the required version, or an extra requires Spark.
    """
    unknown = set(extras) - set(project.metadata.get_all("Provides-Extra") or [])
    if unknown:
        raise UserError(f"there is no extra {', '.join(sorted(unknown))}: see pyproject.toml for the existing ones")
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
                raise UserError(f"{dependent.name} with the extra {extra} requires {name}, which the cluster provides")
            found[name] = _installed(requirement)
            for required in ("", *requirement.extras):
                if (name, required) not in seen:
                    seen.add((name, required))
                    pending.append((found[name], required))
    return [found[name] for name in sorted(found)]


def _installed(requirement: Requirement) -> Distribution:
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError as error:
        raise UserError(f"{requirement} isn't installed: pip install it where this command runs") from error
    if not requirement.specifier.contains(installed.version, prereleases=True):
        raise UserError(f"{requirement} is required and {installed.version} is installed: pip install '{requirement}'")
    return installed
