"""Reading inputs from any store, and reading and writing the files of a run folder: local, HTTP, S3, GCS, HDFS.

It imports options, console and errors, and nothing above them. `inputs` resolves what the user wrote after --input, and
`redaction` names URLs without their secrets. `open_input` opens an `InputStream`, which resumes after a broken
connection by the rules of `retry`. `stores` chooses the store by the scheme: `local`, `http_source`, `s3_source` and
`s3_store`, `gs`, `hdfs`. `objects` reads and writes small files.
"""

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange
from metaclip_curate.storage.input_stream import InputStream
from metaclip_curate.storage.inputs import Inputs, expand_inputs
from metaclip_curate.storage.objects import (
    create_file,
    delete_file,
    delete_folder,
    exists,
    file_age,
    file_sizes,
    list_folder,
    list_parquet,
    read_bytes,
    read_from,
    read_versioned,
    replace_file,
    staged_upload,
    upload_file,
    write_bytes,
)
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.redaction import command_line, public_name, scrub
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.urls import is_local, is_web, join
from metaclip_curate.storage.versioned_file import VersionedFile

__all__ = [
    "ByteRange",
    "InputError",
    "InputStream",
    "Inputs",
    "StorageOptions",
    "VersionedFile",
    "command_line",
    "create_file",
    "delete_file",
    "delete_folder",
    "exists",
    "expand_inputs",
    "file_age",
    "file_sizes",
    "is_local",
    "is_web",
    "join",
    "list_folder",
    "list_parquet",
    "open_input",
    "public_name",
    "read_bytes",
    "read_from",
    "read_versioned",
    "replace_file",
    "scrub",
    "staged_upload",
    "upload_file",
    "write_bytes",
]
