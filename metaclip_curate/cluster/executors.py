"""Dividing a node's cores and memory into executors, each a JVM with one Python worker per core."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.cluster.rates import Platform
from metaclip_curate.errors import UserError

_MOST_CORES = 4
# YARN and the services add a tenth to the heap of an executor by default, and at least 384 MiB.
_LEAST_OVERHEAD, _OVERHEAD = 384, 0.1
_MOST_HEAP = 3 * 1024  # MiB per core; a larger heap makes garbage collections longer and nothing faster


@dataclass(frozen=True)
class ExecutorPlan:
    """Sizes and numbers of executors.

    Attributes:
        cores: Number of cores of an executor.
        per_node: Number of executors on a node.
        instances: Number of executors of the cluster.
        worker_megabytes: Largest memory of a Python worker, MiB.
        heap_megabytes: spark.executor.memory, MiB.
        overhead_megabytes: spark.executor.memoryOverhead, for the Python workers and the JVM itself, MiB.
    """

    cores: int
    per_node: int
    instances: int
    worker_megabytes: int
    heap_megabytes: int
    overhead_megabytes: int


def executor_plan(platform: Platform, cores: int, worker_megabytes: int, heap_per_core: float) -> ExecutorPlan:
    """Divides nodes into executors that fit their cores and memory.

    Args:
        platform: Type of the nodes.
        cores: Number of executor cores in total.
        worker_megabytes: Largest memory of a Python worker, of which each core has one, MiB.
        heap_per_core: Smallest heap of the JVM per core, MiB.

    Returns:
        Executors of 4 cores, or of fewer if 4 workers don't fit a node, and as many on a node as fit.

    Raises:
        UserError: A node can't hold the worker and heap of a single core.
    """
    for size in range(min(_MOST_CORES, platform.node_cores), 0, -1):
        workers = size * worker_megabytes
        least = (1 + _OVERHEAD) * size * heap_per_core + workers + _LEAST_OVERHEAD
        per_node = min(platform.node_cores // size, int(platform.yarn_megabytes / least))
        if not per_node:
            continue
        share = platform.yarn_megabytes // per_node
        heap = int(min((share - workers - _LEAST_OVERHEAD) / (1 + _OVERHEAD), _MOST_HEAP * size))
        return ExecutorPlan(
            cores=size,
            per_node=per_node,
            instances=-(-cores // size),
            worker_megabytes=worker_megabytes,
            heap_megabytes=heap,
            overhead_megabytes=workers + max(_LEAST_OVERHEAD, int(_OVERHEAD * heap)),
        )
    raise UserError(
        f"a Python worker of {worker_megabytes:,} MB doesn't fit {platform.node} with {platform.yarn_megabytes:,} MB: "
        "match fewer --languages, or take machines with more memory"
    )
