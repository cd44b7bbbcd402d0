"""Reading inputs from anywhere, and the files of a run folder: local, HTTP, S3, Google Cloud Storage, HDFS.

`inputs` makes the list of inputs from what the user wrote, and `secrets` their names, without passwords and signatures;
`opening` opens one as a `reader.InputStream`, which goes on where a connection broke by the rules of `retry`; `local`,
`http` (within `http_limits`, in the words of `http_errors`), `s3`, `gs` and `hdfs` know one store each; `objects` has
the small files of a run folder.
"""

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.inputs import Inputs, expand_inputs
from metaclip_curate.storage.objects import (
    age,
    create_file,
    delete_file,
    delete_folder,
    exists,
    file_sizes,
    list_folder,
    look,
    read_bytes,
    read_from,
    replace_file,
    upload_file,
    write_bytes,
    written_whole,
)
from metaclip_curate.storage.opening import open_input
from metaclip_curate.storage.reader import InputStream
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.secrets import command_line, name_of, scrub
from metaclip_curate.storage.stored import Stored
from metaclip_curate.storage.urls import is_local, is_web, join

__all__ = [
    "InputError",
    "InputStream",
    "Inputs",
    "StorageOptions",
    "Stored",
    "age",
    "command_line",
    "create_file",
    "delete_file",
    "delete_folder",
    "exists",
    "expand_inputs",
    "file_sizes",
    "is_local",
    "is_web",
    "join",
    "list_folder",
    "look",
    "name_of",
    "open_input",
    "read_bytes",
    "read_from",
    "replace_file",
    "scrub",
    "upload_file",
    "write_bytes",
    "written_whole",
]
