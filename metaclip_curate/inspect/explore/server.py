"""The page of `explore`, as an application for a server on this computer.

A page in another tab could try to reach it, and texts come from the web. So it answers only to names of this computer
(a rebound name of another site is refused), its policy allows no scripts and nothing from elsewhere, and no image is
given to the pages of other sites.
"""

from __future__ import annotations

import socket
import time
from dataclasses import asdict, replace
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlencode

import jinja2

from metaclip_curate.console.text_table import number
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.explore.images import DownloadedImages
from metaclip_curate.inspect.explore.index import NO_EXPLORE, PairIndex
from metaclip_curate.inspect.explore.search import NO_LANGUAGE, Found, Query, Search, SearchTooLongError
from metaclip_curate.run.fates import FATE_NAMES, Fate
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.screens.reasons import REASON_NAMES

ADDRESS = "127.0.0.1"
_NAMES = (ADDRESS, "localhost")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_CLOSE_SECONDS = 2


def listen(port: int) -> socket.socket:
    """Opens the port, so that the address is known before anything is read.

    Args:
        port: Its number; 0 for any that is free.

    Raises:
        UserError: Starlette or uvicorn is missing, or the port is in use.
    """
    for name in ("starlette", "uvicorn"):
        try:
            __import__(name)
        except ImportError as error:
            raise UserError(NO_EXPLORE.format(name)) from error
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UserError(f"--port {port} can't be opened ({error.strerror}): give another one, or 0 for any") from error
    return listening


def serve(application: Any, listening: socket.socket) -> None:
    """Answers requests until the process is interrupted.

    Args:
        application: From `make_application`.
        listening: From `listen`.
    """
    import uvicorn

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def make_application(index: PairIndex, images: DownloadedImages | None = None) -> Any:
    """Returns the application.

    Args:
        index: The pairs of a run, with the table `images` if there are images.
        images: The downloaded images.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, PlainTextResponse, Response
    from starlette.routing import Route

    search = Search(index, images is not None)

    def page(request: Request) -> Response:
        given = {name: request.query_params.get(name, "") for name in Query.__dataclass_fields__}
        started, status, found, mistake = time.monotonic(), 200, Found(0), ""
        query = Query()
        try:
            query = Query.of(given)
            found = search.find(query)
        except UserError as error:
            status, mistake = 400, f"{error}."
        except SearchTooLongError:
            status, mistake = (
                503,
                "The search took longer than a minute and was ended: choose a language as well.",
            )
        html = _render(index, search, (query, given), found, mistake, time.monotonic() - started)
        return HTMLResponse(html, status, _HEADERS)

    def image(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("this image is for the page of explore alone\n", 403, _HEADERS)
        place = search.image(request.path_params["uid"])
        read = images.read(*place) if images and place else None
        if read is None:
            return PlainTextResponse("there is no such image\n", 404, _HEADERS)
        return Response(read[0], 200, _HEADERS, media_type=read[1])

    def style(request: Request) -> Response:
        return Response(_asset("explore.css"), 200, _HEADERS, media_type="text/css")

    def icon(request: Request) -> Response:
        return Response(None, 204, _HEADERS)  # browsers ask for it, and show a 404 as an error

    def missing(request: Request, error: Exception) -> Response:
        return PlainTextResponse(
            "there is no such page: the search is at /\n", getattr(error, "status_code", 404), _HEADERS
        )

    return Starlette(
        routes=[
            Route("/", page),
            Route("/explore.css", style),
            Route("/favicon.ico", icon),
            Route("/image/{uid}", image),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_NAMES), www_redirect=False)],
        exception_handlers={404: missing, 405: missing},
    )


def _render(
    index: PairIndex, search: Search, asked: tuple[Query, dict[str, str]], found: Found, mistake: str, seconds: float
) -> str:
    query, given = asked

    def link(**changes: str) -> str:
        """Returns the address of the page with other parameters, from its beginning."""
        values = {**asdict(replace(query, after="")), **changes}
        return "/?" + urlencode({name: value for name, value in values.items() if value})

    return _template().render(
        root=index.folder.root,
        pairs=index.pairs,
        all_pairs=index.all_pairs,
        downloaded=index.folder.summary(MatchSummary).download is not None,
        given=given,
        query=query,
        found=found,
        mistake=mistake,
        seconds=seconds,
        link=link,
        languages=[(name or NO_LANGUAGE, name or "without a list", pairs) for name, pairs in search.languages.items()],
        states=_states(index),
        asked=any(given.values()),
        fate_names={str(fate): name for fate, name in FATE_NAMES.items()},
    )


def _states(index: PairIndex) -> list[tuple[str, str, int]]:
    """Returns the states that pairs of the run have: value, name and number of pairs."""
    states = []
    for fate, name in FATE_NAMES.items():
        of_fate = {reason: pairs for (each, reason), pairs in index.fates.items() if each == fate}
        if of_fate:
            states.append((str(fate), name, sum(of_fate.values())))
        if fate == Fate.SCREENED:
            states += [
                (f"{fate}:{reason}", f"{name}: {REASON_NAMES[reason]}", pairs) for reason, pairs in of_fate.items()
            ]
    return states


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["number"] = number
    return environment.from_string(_asset("explore.html").decode())


@cache
def _asset(name: str) -> bytes:
    return (resources.files("metaclip_curate.inspect.explore") / "assets" / name).read_bytes()
