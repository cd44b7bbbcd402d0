"""One pass that yields a table and the account of how it came about.

An accumulator that a task adds to counts twice what is done twice, and a second pass might see another state of the
network. So a task yields both kinds of rows. A small account is gathered by the driver while the table is written:
Spark takes what a task of a job's last stage observed from the attempt whose files stay, and from no other. A large one
is written to a work folder with the table, and both are split from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.schemas import ddl

_ACCOUNT = "account"


def with_account(schema: pa.Schema) -> pa.Schema:
    """Returns the schema of rows that are either of the table or, as JSON in a last column, of the account."""
    return schema.append(pa.field(_ACCOUNT, pa.string()))


def table_rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Marks rows as the table's."""
    columns = [*batch.columns, pa.nulls(batch.num_rows, pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=with_account(batch.schema))


def account_row(account: Mapping[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    """Makes a row of the account, to go with a table of the given schema."""
    columns = [*(pa.nulls(1, column.type) for column in schema), pa.array([json.dumps(account)])]
    return pa.RecordBatch.from_arrays(columns, schema=with_account(schema))


def write_table(rows: DataFrame, path: str, options: Mapping[str, str]) -> list[dict[str, Any]]:
    """Writes the table's rows in one pass.

    Args:
        rows: Of both kinds; those of the account fit into the driver's memory.
        path: The folder to write, in the place of what is there.
        options: Of Spark's Parquet writer.

    Returns:
        The account's rows, in no order.
    """
    observation = Observation()
    # As JSON, since Spark 3.5 hands only plain values to Python.
    observed = rows.observe(observation, F.to_json(F.collect_list(_ACCOUNT)).alias(_ACCOUNT))
    table = observed.filter(F.col(_ACCOUNT).isNull()).drop(_ACCOUNT)
    table.write.mode("overwrite").options(**options).parquet(path)
    return [json.loads(row) for row in json.loads(observation.get[_ACCOUNT])]


def write_once(rows: DataFrame, work: str) -> None:
    """Writes both kinds of rows to a work folder."""
    rows.write.mode("overwrite").option("compression", "zstd").parquet(work)


def read_table(spark: SparkSession, work: str, schema: pa.Schema) -> DataFrame:
    """Reads back the table's rows."""
    rows = spark.read.schema(ddl(with_account(schema))).parquet(work)
    return rows.filter(F.col(_ACCOUNT).isNull()).drop(_ACCOUNT)


def read_account(spark: SparkSession, work: str, schema: pa.Schema, account_schema: pa.Schema) -> DataFrame:
    """Reads back the account's rows, with the schema of the account."""
    rows = spark.read.schema(ddl(with_account(schema))).parquet(work).filter(F.col(_ACCOUNT).isNotNull())
    return rows.select(F.from_json(_ACCOUNT, ddl(account_schema)).alias("row")).select("row.*")
