"""Reading inputs from anywhere, and the files of a run folder: local, HTTP, S3, Google Cloud Storage, HDFS.

`inputs` makes the list of inputs from what the user wrote, and `secrets` their names, without passwords and signatures;
`opening` opens one as a `reader.InputStream`, which goes on where a connection broke by the rules of `retry`; `local`,
`http` (within `http_limits`, in the words of `http_errors`), `s3`, `gs` and `hdfs` know one store each; `objects` has
the small files of a run folder.
"""

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.inputs import Inputs, expand_inputs
from metaclip_curate.storage.objects import (
    create_file,
    delete_file,
    delete_folder,
    exists,
    file_age,
    file_sizes,
    list_folder,
    read_bytes,
    read_from,
    read_versioned,
    replace_file,
    staged_upload,
    upload_file,
    write_bytes,
)
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.reader import InputStream
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.secrets import command_line, public_name, scrub
from metaclip_curate.storage.urls import is_local, is_web, join
from metaclip_curate.storage.versioned_file import VersionedFile

__all__ = [
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
