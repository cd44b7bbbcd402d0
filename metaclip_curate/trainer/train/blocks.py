"""The repeated blocks of a model, which are compiled and sharded one by one."""

from __future__ import annotations

from torch import nn

_LEAST = 2


def repeated_blocks(model: nn.Module) -> list[nn.Module]:
    """Lists the blocks of a model's towers: the members of its lists of modules of one class.

    Blocks within blocks aren't listed.
    """
    found: list[nn.Module] = []
    inner: set[int] = set()
    for module in model.modules():
        if id(module) in inner or not isinstance(module, nn.ModuleList | nn.Sequential) or len(module) < _LEAST:
            continue
        members = list(module)
        if len({type(member) for member in members}) == 1 and any(True for _ in members[0].children()):
            found += members
            inner.update(id(child) for member in members for child in member.modules())
    return found


def compile_blocks(model: nn.Module) -> None:
    """Compiles each block by itself.

    That takes less time than the whole model, and the gradients of a block are exchanged while others are computed.
    """
    for block in repeated_blocks(model):
        block.compile()
