"""Expressions over columns, such as `pool_punsafe < 0.1 and lang_pool in ("en", "de")`.

They have Python's syntax and precedence, are parsed by Python's own parser, and are computed by Arrow on whole columns.
Nothing of them is ever evaluated as code: names, constants, comparisons, `in`, `and`, `or`, `not` and signs are all
that they may contain.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.errors import UserError

_COMPARISONS = {
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
}
_FORM = "write comparisons such as pool_punsafe < 0.1, joined by and, or and not"


class Expression:
    """A condition on rows.

    Args:
        text: The expression.

    Attributes:
        text: As given.
        names: Names of the columns in it.

    Raises:
        UserError: It can't be parsed, or has something that isn't allowed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise self._wrong(f"can't be read ({error})") from error
        self.names = frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        if not isinstance(self._tree, ast.Compare | ast.BoolOp | ast.UnaryOp):
            raise self._wrong("isn't a condition")
        if not self.names:
            raise self._wrong("names no column")

    def check(self, columns: Mapping[str, pa.DataType]) -> None:
        """Checks that the columns exist and can be compared so.

        Args:
            columns: Types of the columns by name.

        Raises:
            UserError: A column doesn't exist, or has a type that can't be compared so.
        """
        missing = sorted(self.names - columns.keys())
        if missing:
            has = f"the kept columns are {', '.join(columns)}" if columns else "the run has none"
            raise UserError(f"--where names {missing[0]}, which isn't a column that --keep-columns kept: {has}")
        try:
            found = self.compute({name: pa.array([], kind) for name, kind in columns.items()})
        except (pa.ArrowException, TypeError) as error:
            raise self._wrong(f"can't be computed ({str(error).splitlines()[0]})") from error
        if not pa.types.is_boolean(found.type):
            raise self._wrong("isn't a condition")

    def compute(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        """Returns whether each row fulfils the condition, null where a null column leaves that open.

        Args:
            columns: Columns of n rows by name.
        """
        return self._value(self._tree, columns)

    def _value(self, node: ast.expr, columns: Mapping[str, pa.Array]) -> Any:
        match node:
            case ast.Name():
                return columns[node.id]
            case ast.Constant(value=value) if isinstance(value, bool | int | float | str):
                return pa.scalar(value)
            case ast.UnaryOp(op=ast.USub()):
                return pc.negate(self._value(node.operand, columns))
            case ast.UnaryOp(op=ast.Not()):
                return pc.invert(self._value(node.operand, columns))
            case ast.BoolOp():
                join = pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene
                return reduce(join, [self._value(each, columns) for each in node.values])
            case ast.Compare():
                return self._comparison(node, columns)
        raise self._wrong(f"has {ast.unparse(node)}, which isn't allowed")

    def _comparison(self, node: ast.Compare, columns: Mapping[str, pa.Array]) -> Any:
        found, left = [], node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                inside = self._is_in(left, right, columns)
                found.append(pc.invert(inside) if isinstance(operator, ast.NotIn) else inside)
            elif type(operator) in _COMPARISONS:
                compare = _COMPARISONS[type(operator)]
                found.append(compare(self._value(left, columns), self._value(right, columns)))
            else:
                raise self._wrong("has `is`, which isn't allowed")
            left = right
        return reduce(pc.and_kleene, found)

    def _is_in(self, left: ast.expr, right: ast.expr, columns: Mapping[str, pa.Array]) -> Any:
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise self._wrong("needs a list of values after `in`")
        value = self._value(left, columns)
        return reduce(pc.or_kleene, [pc.equal(value, self._value(each, columns)) for each in right.elts])

    def _wrong(self, what: str) -> UserError:
        return UserError(f"--where {self.text!r} {what}: {_FORM}")
