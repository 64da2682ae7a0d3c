"""The page's server as the network sees it: a real one on a free port, asked in plain HTTP."""

from __future__ import annotations

import hashlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from converters.apps.samples import SAMPLES
from converters.apps.server import address_of, is_here, is_welcome, listen, make_server
from converters.apps.site import RUNTIME, Site
from mobileseg.errors import BadInput

pytest.importorskip("onnx", reason="not run: onnx is not installed")
pytest.importorskip("onnxscript", reason="not run: onnxscript is not installed")
pytest.importorskip("uvicorn", reason="not run: uvicorn is not installed")
pytest.importorskip("starlette", reason="not run: starlette is not installed")

HOST = "127.0.0.1"
LONGEST_S = 20


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Asked:
    """A client that sends a path as it is."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, path: str, method: str = "GET", **headers: str) -> Reply:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=LONGEST_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, headers=named)
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def ask(site: Site) -> Iterator[Asked]:
    ready = threading.Event()
    with listen(HOST, 0) as listening:
        server = make_server(site, HOST, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert ready.wait(LONGEST_S)
        yield Asked(listening.getsockname()[1])
        server.should_exit = True
        thread.join(LONGEST_S)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/?lang=de", "text/html; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/src/app.js", "text/javascript; charset=utf-8"),
        (f"/vendor/{RUNTIME[0]}", "text/javascript; charset=utf-8"),
        (f"/vendor/{RUNTIME[1]}", "application/wasm"),
        ("/vendor/LICENSE", "text/plain; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icons/icon.svg", "image/svg+xml"),
        ("/icons/sizes/icon-192.png", "image/png"),
        ("/model/model.json", "application/json"),
        ("/model/model.onnx", "application/octet-stream"),
        ("/samples/index.json", "application/json"),
        (f"/samples/{SAMPLES[0].file}", "image/png"),
    ],
)
def test_every_file_comes_whole_and_with_its_type(ask, site, path, kind):
    reply = ask(path)
    content = site[path.partition("?")[0]].path.read_bytes()
    assert (reply.status, reply.body) == (200, content)
    assert reply.headers["Content-Type"] == kind
    assert reply.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    head = ask(path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(content))
    assert head.headers["ETag"] == reply.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "/README.md",
        "/package.json",
        "/test/run.mjs",
        "/node_modules/a/index.js",
        "/src/app.test.ts",
        "/src/.env",
        "/src/.hidden/a.js",
        "/src/link.js",
        "/src/linked/secret.js",
        "/src/",
        "/src",
        "/model/",
        "/model/reference/config.json",
        "/../../etc/passwd",
        "/src/../../../../../../etc/passwd",
        "/src/../README.md",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/src/%2e%2e/README.md",
        "/src%2f..%2fREADME.md",
        "/..%5c..%5cREADME.md",
        "//etc/passwd",
        "/src/app.js%00.png",
        "/src/app.js/",
        "/SRC/app.js",
    ],
)
def test_nothing_else_is_given_out(ask, path):
    reply = ask(path)
    assert (reply.status, reply.body) == (404, b"not found\n")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_planted_secrets_are_there_to_be_found(web):
    secret = [p for p in web.rglob("*") if p.is_file() and p.read_text() == "secret"]
    assert len(secret) >= 7


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_answered(ask, method):
    reply = ask("/index.html", method)
    assert reply.status == 405
    assert sorted(reply.headers["Allow"].split(", ")) == ["GET", "HEAD"]


def test_a_browser_that_has_it_gets_no_body(ask):
    tag = ask("/model/model.onnx").headers["ETag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        reply = ask("/model/model.onnx", If_None_Match=held)
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["ETag"] == tag
        assert reply.headers["Cache-Control"] == "no-cache"
    assert ask("/model/model.onnx", If_None_Match='"other"').status == 200


def test_a_changed_file_comes_anew_with_another_tag(ask, web):
    page = web / "src" / "app.js"
    before, tag = page.read_bytes(), ask("/src/app.js").headers["ETag"]
    try:
        page.write_text("export const changed = true")
        reply = ask("/src/app.js", If_None_Match=tag)
        assert (reply.status, reply.body) == (200, page.read_bytes())
        assert reply.headers["ETag"] != tag
        page.unlink()
        assert ask("/src/app.js").status == 404
        page.symlink_to(web / "README.md")
        reply = ask("/src/app.js")
        assert reply.status == 404 and b"secret" not in reply.body
    finally:
        page.unlink(missing_ok=True)
        page.write_bytes(before)


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_a_model_that_was_changed_since_is_not_given_out(ask, bundle, name):
    file = bundle / name
    before = file.read_bytes()
    try:
        file.write_bytes(before + b" ")
        reply = ask(f"/model/{name}")
        assert reply.status == 503
        assert reply.body.decode() == (
            f"{name}: changed since mobileseg serve opened the bundle; start it again\n"
        )
    finally:
        file.write_bytes(before)
    assert ask(f"/model/{name}").status == 200


@pytest.mark.parametrize("path", ["/", "/nowhere", "/model/model.onnx"])
def test_every_answer_switches_the_browsers_protections_on(ask, path):
    headers = ask(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["img-src"] == "'self' blob: data:"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Server" not in headers


@pytest.mark.parametrize("named", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_our_own_names_are_answered(ask, named):
    assert ask("/index.html", Host=named).status == 200


@pytest.mark.parametrize(
    "named", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[", "a b"]
)
def test_a_name_that_another_gave_us_is_turned_away(ask, named):
    reply = ask("/index.html", Host=named)
    assert reply.status in (400, 421)  # 400: the HTTP library itself refuses it
    assert b"doctype" not in reply.body


def test_who_listens_under_a_name_is_called_by_it():
    assert is_welcome("my-box:8000", "my-box") and is_welcome("MY-BOX", "my-box")
    assert is_welcome("192.168.1.5:8000", "0.0.0.0")
    assert not is_welcome("my-box", "0.0.0.0")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("my-box", False),
    ],
)
def test_whether_only_this_machine_can_open_it(host, here):
    assert is_here(host) is here


def test_the_address_is_one_that_a_browser_takes():
    with listen(HOST, 0) as listening:
        port = listening.getsockname()[1]
        assert address_of(listening, HOST) == f"http://127.0.0.1:{port}/"
        assert address_of(listening, "0.0.0.0") == f"http://localhost:{port}/"
        assert address_of(listening, "::1") == f"http://[::1]:{port}/"


def test_a_port_that_is_taken_is_named():
    with listen(HOST, 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(BadInput, match=rf"127\.0\.0\.1, port {port}: cannot be listened on"):
            listen(HOST, port)


def test_a_host_that_is_none_is_named(monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "create_server", unknown)
    with pytest.raises(BadInput, match="--host nowhere: no such host"):
        listen("nowhere", 0)
