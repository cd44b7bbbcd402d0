"""An HTTP server that shows its files only to who brings a password and a signature."""

from __future__ import annotations

import base64
import dataclasses
from urllib.parse import quote

from tests.support.servers.faulty_http import Answer, Fault, FaultyHTTPServer, Request


class GuardedHTTPServer(FaultyHTTPServer):
    """Use as a context manager.

    Attributes:
        login: "user:password" that Authorization: Basic must show; empty for none.
        signature: The query that a request must have; empty for none.
    """

    def __init__(self, login: str = "", signature: str = "") -> None:
        super().__init__()
        self.login = login
        self.signature = signature

    def signed(self, path: str) -> str:
        """The address by which a file is given."""
        before, after = (
            f"{quote(self.login, safe=':')}@" if self.login else "",
            f"?{self.signature}" if self.signature else "",
        )
        return f"{self.url.replace('://', f'://{before}')}{path}{after}"

    def answer(self, request: Request, body: bytes, fault: Fault) -> Answer:
        """The right answer, 401 or 403."""
        path, _, query = request.path.partition("?")
        basic = f"Basic {base64.b64encode(self.login.encode()).decode()}" if self.login else ""
        if request.headers.get("authorization", "") != basic:
            fault = Fault(status=401)
        elif query != self.signature:
            fault = Fault(status=403)
        return super().answer(dataclasses.replace(request, path=path), body, fault)
