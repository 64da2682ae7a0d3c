"""A web server for one page on this machine: Starlette and uvicorn around a table of files.

What it adds to the table: an ETag that is the content's sum, so that a page is never stale and
never sent twice; the browser's own protections, switched on; and the refusal of other hosts' names,
by which a page elsewhere could read what is served here (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from converters.apps.site import Changed, Site
from mobileseg.errors import BadInput, MissingToolkit

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PACKAGES = ("starlette", "uvicorn")
EXTRA = "serve"
HERE = "localhost"
CLOSING_S = 1  # a browser keeps its connections open; Ctrl-C does not wait for it
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",  # a network runs as WebAssembly
    "img-src": "'self' blob: data:",
    "style-src": "'self'",
    "connect-src": "'self'",  # no photo leaves the page, whatever its code does
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # ask each time; the ETag makes that cheap
}


def is_here(host: str) -> bool:
    """Whether a host to listen on can only be reached from this machine."""
    address = _address(host)
    return host == HERE or (address is not None and address.is_loopback)


def is_welcome(named: str, host: str) -> bool:
    """Whether a request's Host header names us.

    An address cannot be rebound, because no DNS is asked for it; of names only our own will do.

    Args:
        named: the header.
        host: what we listen on.
    """
    try:
        name = urlsplit(f"//{named}").hostname
    except ValueError:
        return False
    return name is not None and (name in (HERE, host.lower()) or _address(name) is not None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def make_app(site: Site, host: str) -> Starlette:
    """The application: GET and HEAD of what the table has."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    return Starlette(
        routes=[Route("/{path:path}", lambda request: _answer(request, site), methods=["GET"])],
        middleware=[Middleware(Guard, host=host)],
    )


class Guard:
    """Turns away whoever calls us by another's name, and puts our headers on every answer."""

    def __init__(self, app: Any, host: str) -> None:
        self.app, self.host = app, host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        app, named = self.app, Headers(scope=scope).get("host", "")
        if not is_welcome(named, self.host):
            app = PlainTextResponse("this server is not called so\n", status_code=421)
        await app(scope, receive, send_guarded)


def _answer(request: Request, site: Site) -> Response:
    """A file, or in a line why there is none."""
    from starlette.responses import PlainTextResponse, Response

    page = site.get(request.url.path)
    if page is None:
        return PlainTextResponse("not found\n", status_code=404)
    try:
        content, sha256 = page.read()
    except Changed:
        line = f"{page.path.name}: changed since mobileseg serve opened the bundle; start it again"
        return PlainTextResponse(f"{line}\n", status_code=503)
    except OSError as error:
        line = f"{page.path.name}: cannot be read any more ({error.strerror})"
        return PlainTextResponse(f"{line}\n", status_code=404)
    tag = f'"{sha256}"'
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(content, headers={"ETag": tag, "Content-Type": page.type})


def _has(tags: str, tag: str) -> bool:
    """Whether an If-None-Match header holds a tag; `*` holds every one."""
    held = {one.strip().removeprefix("W/") for one in tags.split(",")}
    return not held.isdisjoint({"*", tag})


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises:
        BadInput: the port is taken or not allowed, or the host is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except socket.gaierror:
        raise BadInput(
            f"--host {host}: no such host; expected an address of this machine, as 127.0.0.1"
        ) from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise BadInput(
            f"{host}, port {port}: cannot be listened on ({why}); choose another with --port, "
            "0 for any that is free"
        ) from None


def address_of(listening: socket.socket, host: str) -> str:
    """What to type into a browser on this machine."""
    address = _address(host)
    name = HERE if address is not None and address.is_unspecified else host
    return f"http://{f'[{name}]' if ':' in name else name}:{listening.getsockname()[1]}/"


def refuse_missing() -> None:
    """Raise MissingToolkit if Starlette or uvicorn is not installed."""
    for package in PACKAGES:
        try:
            import_module(package)
        except ImportError:
            raise MissingToolkit.install(package, EXTRA) from None


def make_server(site: Site, host: str, on_ready: Callable[[], None]) -> Any:
    """A uvicorn server; `run(sockets=[…])` serves until Ctrl-C, then raises KeyboardInterrupt.

    Args:
        on_ready: called once requests are answered.
    """
    import uvicorn

    class Ready(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            on_ready()

    # Every choice is named that would otherwise depend on what else is installed.
    config = uvicorn.Config(
        make_app(site, host),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=CLOSING_S,
    )
    return Ready(config)
