from __future__ import annotations

import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.schemas import DISTINCT, MANIFEST, PAIRS, ddl, kept_columns, kept_type, with_kept


def test_kept_columns_follow_the_id_of_the_pool() -> None:
    kept = kept_columns(["score", "tags"], ["double", "list of string"])
    for schema in (PAIRS, DISTINCT, MANIFEST):
        names = with_kept(schema, kept).names
        after = names.index("source_id") + 1
        assert names[after : after + 2] == ["score", "tags"]
        assert names[:after] + names[after + 2 :] == schema.names
    assert with_kept(PAIRS, ()) == PAIRS


def test_names_that_tables_or_img2dataset_use_get_a_prefix() -> None:
    names = ["URL", "sha256", "caption", "entry_ids", "file", "punsafe"]
    kept = kept_columns(names, ["string"] * len(names))
    assert [field.name for field in kept] == [
        *("pool_URL", "pool_sha256", "pool_caption", "pool_entry_ids", "pool_file", "punsafe")
    ]
    with pytest.raises(UserError, match="url is kept as pool_url"):
        kept_columns(["url", "URL"], ["string"] * 2)


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (pa.string(), pa.string()),
        (pa.large_string(), pa.string()),
        (pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.uint8(), pa.int16()),
        (pa.float16(), pa.float32()),
        (pa.bool_(), pa.bool_()),
        (pa.list_(pa.float16(), 3), pa.list_(pa.float32())),
        (pa.large_list(pa.list_(pa.int64())), pa.list_(pa.list_(pa.int64()))),
    ],
)
def test_types_are_kept_or_widened(kind: pa.DataType, kept: pa.DataType) -> None:
    assert kept_columns(["x"], [kept_type(kind, "x")])[0].type == kept


def test_other_types_are_refused() -> None:
    with pytest.raises(UserError, match=r"the column when of a.parquet has the type timestamp\[us\]"):
        kept_type(pa.timestamp("us"), "the column when of a.parquet")


def test_spark_has_the_same_types() -> None:
    kept = kept_columns(["a", "b", "c"], ["list of list of float", "bool", "int16"])
    assert ddl(pa.schema(kept)) == "a array<array<float>>, b boolean, c smallint"
