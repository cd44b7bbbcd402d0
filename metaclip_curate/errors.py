"""The one exception a user is meant to read."""


class UserError(Exception):
    """A mistake in what the user gave: paths, options, metadata.

    The message is one sentence that names the file or the option and says what to do. The commands print it and
    exit with status 2, without a traceback.
    """
