"""How a node's cores and memory are cut into executors: a JVM, and a Python worker beside it for each core."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.cluster.rates import Platform
from metaclip_curate.errors import UserError

_MOST_CORES = 4
# What YARN and the services add to an executor's heap by default: a tenth, and never less.
_LEAST_OVERHEAD, _OVERHEAD = 384, 0.1
_MOST_HEAP = 3 * 1024  # a core; a larger one collects garbage for longer and computes nothing faster


@dataclass(frozen=True)
class ExecutorPlan:
    """How executors are cut.

    Attributes:
        cores: Of an executor.
        per_node: Executors on a node.
        instances: Executors of the cluster.
        worker_megabytes: What a Python worker may take, MiB.
        heap_megabytes: spark.executor.memory, MiB.
        overhead_megabytes: spark.executor.memoryOverhead: the Python workers and the JVM's own, MiB.
    """

    cores: int
    per_node: int
    instances: int
    worker_megabytes: int
    heap_megabytes: int
    overhead_megabytes: int


def executor_plan(platform: Platform, cores: int, worker_megabytes: int, heap_per_core: float) -> ExecutorPlan:
    """Cuts nodes into executors that their memory holds.

    Args:
        platform: The nodes.
        cores: That are wanted in all.
        worker_megabytes: What one Python worker takes at most; there is one a core.
        heap_per_core: The least that the JVM must have for each core, MiB.

    Returns:
        Executors of 4 cores (fewer where 4 workers don't fit a node): as many on a node as it has cores for, or memory.

    Raises:
        UserError: Not even one core's worker and heap fit.
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
