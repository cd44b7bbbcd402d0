"""A real S3 server, moto's, as a process of its own: `python moto_server.py` prints its port.

A process of its own because moto's switch for authentication is global. moto checks signatures and IAM policies when
told to, but stumbles over requests without a signature; here such a request may read public objects, as at Amazon,
and nothing else.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.exceptions import S3AccessDeniedError
from werkzeug.serving import WSGIRequestHandler, make_server

_signed_request_check = ActionAuthenticatorMixin._authenticate_and_authorize_s3_action


def _check_request(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
    if "Authorization" in self.headers:
        _signed_request_check(self, bucket_name, key_name)
    elif self.method not in ("GET", "HEAD") or key_name is None:
        raise S3AccessDeniedError
    # An object's own access list was looked at before.


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""


def main() -> None:
    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = _check_request  # type: ignore[method-assign]
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=_Handler
    )
    # The parent holds the other end of our standard input: when it dies, however it does, so do we.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
