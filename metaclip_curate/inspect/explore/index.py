"""The pairs of a run as a temporary DuckDB file, in which filters and searches are quick.

The run's tables are read once, through Arrow, so that stores, lists of files and checksums work as everywhere. The
file has a row for each pair with what became of it. Nothing is written to the run folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds

from metaclip_curate import balance
from metaclip_curate.errors import JobFailedError, UserError, install_extra
from metaclip_curate.inspect.pair_rules import ADDED, PairRules, Table, tables_of_pairs
from metaclip_curate.matching.normalization import normalize_entries
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.run.fates import FATE_SQL
from metaclip_curate.run.file_list import rows_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import damage_named, open_table
from metaclip_curate.schemas import COUNTS, DISTINCT, MANIFEST, MATCHED, SCREENED, SCREENED_IMAGES

if TYPE_CHECKING:
    import duckdb

NO_EXPLORE = f"explore needs {{}}: {install_extra('explore')}"
_READ = ("uid", "image_id", "url", "page_url", "text", "source_id", "page_lang", "lang", "lang_score")
_BATCH_ROWS = 1 << 16
# What is read of `screened`. The detail is null but in a rebalanced run.
_REJECTED = SCREENED.append(SCREENED_IMAGES.field("detail"))
_UID_SPACE = 16**8
# The host in a URL, which has no user: such URLs are bad ones.
_HOST = r"^https?://(\[[^\]]*\]|[^/?#:]*)"
_OUTCOMES = """CREATE TEMP TABLE outcomes AS
    SELECT m.uid::UUID AS uid, m.metadata_lang, m.entry_ids, k.uid IS NOT NULL AS kept, NULL::VARCHAR AS reason,
        NULL::VARCHAR AS detail
    FROM matched m LEFT JOIN (SELECT uid FROM manifest) k ON m.uid = k.uid
    UNION ALL SELECT uid::UUID, metadata_lang, NULL, FALSE, reason, detail FROM screened"""
_DRAWING = """CREATE TEMP TABLE drawing AS
    SELECT arg_min(uid::UUID, (selection, uid)) AS uid FROM keyed GROUP BY image_id"""
_PAIRS = f"""CREATE TABLE pairs AS
    SELECT * EXCLUDE (kept, is_matched, removed, drawing, reason, detail), {FATE_SQL} AS fate,
        coalesce(reason, '') AS reason, coalesce(detail, '') AS detail
    FROM (
        SELECT p.uid::UUID AS uid, p.url, regexp_extract(p.url, '{_HOST}', 1) AS host, p.text, p.page_url, p.page_lang,
            p.source_id, p.lang, p.lang_score, p.label, coalesce(o.metadata_lang, p.metadata_lang) AS metadata_lang,
            o.entry_ids, coalesce(o.kept, FALSE) AS kept, o.entry_ids IS NOT NULL AS is_matched, o.reason, o.detail,
            p.removed, {{drawing}} AS drawing
        FROM first p LEFT JOIN outcomes o ON p.uid::UUID = o.uid {{join}}
    )"""


class PairIndex:
    """The searchable pairs of a run. It is a context: at its end the temporary file is removed.

    Args:
        folder: A run folder with all stages finished.
        options: Most pairs that are read, and the language table.

    Attributes:
        folder: The run folder.
        pairs: Number of pairs in the index.
        all_pairs: Number of pairs of the run; of a rebalanced one, those with a downloaded image.
        fates: Number of pairs by fate and reason.

    Raises:
        UserError: DuckDB is missing, or a table is damaged.
        JobFailedError: The temporary file couldn't be written.
    """

    def __init__(self, folder: RunFolder, options: ExploreOptions) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise UserError(NO_EXPLORE.format("duckdb")) from error
        self.folder = folder
        self._options = options
        with ExitStack() as resources:
            temporary = resources.enter_context(tempfile.TemporaryDirectory(prefix="metaclip-curate-explore-"))
            try:
                self._connection = duckdb.connect(
                    str(Path(temporary) / "pairs.duckdb"),
                    config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
                )
                resources.callback(self._connection.close)
                with damage_named(folder):
                    self._build()
            except duckdb.InvalidInputException as error:  # what Arrow raises while DuckDB reads from it
                with damage_named(folder):
                    raise OSError(str(error)) from error
            except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
                reason = str(error).splitlines()[0]
                raise JobFailedError(
                    f"the pairs of {folder.root} can't be kept in {temporary} ({reason}): name a folder on a larger "
                    "disk with the environment variable TMPDIR, or read fewer with --pairs"
                ) from error
            self._resources = resources.pop_all()

    def __enter__(self) -> PairIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Returns a connection for one thread."""
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def add_images(self, images: pa.Table) -> None:
        """Adds the table `images`.

        Args:
            images: Rows of uid, shard and key.
        """
        self._connection.register("images_read", images)
        self._connection.execute(
            "CREATE TABLE images AS SELECT uid::UUID AS uid, shard, key FROM images_read WHERE uid IS NOT NULL"
        )
        self._connection.unregister("images_read")

    def _build(self) -> None:
        run = self._connection.execute
        run("SET preserve_insertion_order = false")
        tables = tables_of_pairs(self.folder)
        self.all_pairs = sum(rows_of(self.folder.table_files(stage, table)) or 0 for stage, table, _ in tables)
        rules = PairRules.of(self.folder, self._options.language_table)
        completed = pa.schema([*(DISTINCT.field(name) for name in _READ), *ADDED])
        for name, schema in (("matched", MATCHED), ("screened", _REJECTED)):
            self._register(name, self._open("match", name, schema))
        self._register("manifest", self._open("sample", "manifest", MANIFEST))
        run(_OUTCOMES)
        drawing, join = "TRUE", ""
        if self.folder.options_of("sample")["texts_per_image"] == "one":
            self._connection.register("keyed", self._keyed())
            run(_DRAWING)
            drawing, join = "d.uid IS NOT NULL", "LEFT JOIN drawing d ON p.uid::UUID = d.uid"
        reader = pa.RecordBatchReader.from_batches(completed, rules.complete(self._pairs(tables)))
        self._connection.register("first", reader)
        run(_PAIRS.format(drawing=drawing, join=join))
        self._connection.register("entries_read", self._entries())
        run("CREATE TABLE entries AS SELECT * FROM entries_read")
        for name in ("first", "matched", "screened", "manifest", "entries_read"):
            self._connection.unregister(name)
        run("DROP TABLE outcomes; DROP TABLE IF EXISTS drawing; CHECKPOINT")
        counted = run("SELECT fate, reason, count(*) FROM pairs GROUP BY ALL ORDER BY ALL").fetchall()
        self.fates: dict[tuple[str, str], int] = {(fate, reason): pairs for fate, reason, pairs in counted}
        self.pairs = sum(self.fates.values())
        # From here on no statement, whatever it says, reaches a file.
        run("SET enable_external_access = false; SET lock_configuration = true")

    def _open(self, stage: str, table: str, schema: pa.Schema) -> pds.Dataset:
        return open_table(self.folder, stage, table, schema)

    def _pairs(self, tables: Sequence[Table]) -> Iterator[pa.RecordBatch]:
        for table in tables:
            scanner = self._open(*table).scanner(columns=list(_READ), filter=self._sample(), batch_size=_BATCH_ROWS)
            yield from scanner.to_batches()

    def _register(self, name: str, table: pds.Dataset) -> None:
        sample = self._sample()
        self._connection.register(name, table if sample is None else table.filter(sample))

    def _sample(self) -> pc.Expression | None:
        """Returns which pairs are read; None for all. A uid is a hash, so that a range of uids is a random sample."""
        if self.all_pairs <= self._options.pairs:
            return None
        return pc.field("uid") < f"{int(_UID_SPACE * self._options.pairs / self.all_pairs):08x}"

    def _keyed(self) -> pa.RecordBatchReader:
        """Returns the matched pairs with the key whose smallest value selects one text of each image."""
        seed = int(self.folder.options_of("sample")["seed"])
        schema = pa.schema([("uid", pa.string()), ("image_id", pa.string()), ("selection", pa.uint64())])

        def batches() -> Iterator[pa.RecordBatch]:
            # All of them, since the selected text of an image may be outside the sample.
            for batch in self._open("match", "matched", MATCHED).to_batches(columns=["uid", "image_id"]):
                keys = pa.array(balance.selection_keys(batch.column("uid"), seed))
                yield pa.RecordBatch.from_arrays([*batch.columns, keys], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def _entries(self) -> pa.RecordBatchReader:
        """Returns the entries that texts contain, as they are compared."""
        normalize = self.folder.options_of("match")["normalize"]
        schema = COUNTS.append(pa.field("normal", pa.string()))

        def batches() -> Iterator[pa.RecordBatch]:
            counts = self._open("count", "counts", COUNTS).scanner(columns=COUNTS.names, filter=pc.field("count") > 0)
            for batch in counts.to_batches():
                normal = pa.array(normalize_entries(batch.column("entry").to_pylist(), normalize), pa.string())
                yield pa.RecordBatch.from_arrays([*batch.columns, normal], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def normal_entry(self, entry: str) -> str:
        """Returns an entry as the run compares it."""
        options: dict[str, Any] = self.folder.options_of("match")
        return normalize_entries([entry], options["normalize"])[0]
