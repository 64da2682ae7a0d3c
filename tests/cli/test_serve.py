"""`mobileseg serve` from the outside: it starts, answers, stops, and refuses in one line."""

from __future__ import annotations

import http.client
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from converters.apps.site import RUNTIME
from converters.bundle.read import write_bundle
from converters.targets import target
from mobileseg.cli.serve import ready

for package in ("onnx", "onnxscript", "uvicorn", "starlette"):
    pytest.importorskip(package, reason=f"not run: {package} is not installed")

REPOSITORY = Path(__file__).parents[2]
LONGEST_S = 60
# The command as installed, but for where it finds the page: the real one needs npm's packages.
MAIN = """
import sys
from pathlib import Path
from converters.apps import demos as places
places.CHECKOUT = Path(sys.argv.pop(1))
from mobileseg.cli import main
main()
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout that has a page and a runtime."""
    for name in ("index.html", *(f"vendor/{one}" for one in RUNTIME)):
        path = tmp_path / "checkout" / "web_demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the page")
    return tmp_path / "checkout"


Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(checkout, tmp_path) -> Begin:
    def start(*arguments: object) -> subprocess.Popen[str]:
        # A shell that runs tests in the background lets its children ignore Ctrl-C.
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, str(checkout), "serve", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
        )

    return start


@contextmanager
def serving(process: subprocess.Popen[str]) -> Iterator[str]:
    """The address that a server printed; it is stopped whatever happens."""
    watch = threading.Timer(LONGEST_S, process.kill)
    watch.start()
    try:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        assert line.startswith("http://"), process.stderr.read()
        yield line.strip()
    finally:
        process.terminate()  # unlike kill, it lets the server remove its sample pictures
        process.wait(LONGEST_S)
        watch.cancel()


def get(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=LONGEST_S)
    connection.request("GET", parts.path)
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_it_says_where_it_is_answers_and_ctrl_c_ends_it(begin, onnx_bundle):
    process = begin(onnx_bundle, "--port", 0)
    with serving(process) as url:
        assert url.startswith("http://127.0.0.1:") and not url.endswith(":0/")
        assert get(url) == (200, b"the page")
        assert get(f"{url}model/model.onnx") == (200, (onnx_bundle / "model.onnx").read_bytes())
        assert get(f"{url}samples/index.json")[0] == 200
        assert get(f"{url}../../etc/passwd")[0] == 404
        # A browser that keeps its connection open does not hold it up.
        kept = http.client.HTTPConnection(urlsplit(url).netloc)
        kept.connect()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST_S)
        kept.close()
    assert (process.returncode, out) == (130, "")
    assert [line for line in err.splitlines() if line] == [
        "serving until Ctrl-C. Not a medical device: for research and prototypes only.",
        "mobileseg: stopped",
    ]


def test_a_service_managers_stop_leaves_nothing_behind(begin, onnx_bundle, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    process = begin(onnx_bundle, "--port", 0)
    with serving(process):
        (samples,) = (tmp_path / "tmp").glob("mobileseg-*")
        assert (samples / "index.json").is_file()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130
    assert not samples.exists()


def test_to_be_seen_from_elsewhere_is_warned_of(begin, onnx_bundle):
    process = begin(onnx_bundle, "--port", 0, "--host", "0.0.0.0")
    with serving(process) as url:
        assert url.startswith("http://localhost:")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LONGEST_S)
    assert err.startswith("0.0.0.0: others in this network can open the page")


def refused(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=LONGEST_S)
    assert (process.returncode, out) == (2, ""), err
    assert err.startswith("mobileseg: ") and err.count("\n") == 1, err
    return err.removeprefix("mobileseg: ").strip()


def test_a_port_that_is_taken_is_one_line(begin, onnx_bundle):
    with serving(begin(onnx_bundle, "--port", 0)) as url:
        port = urlsplit(url).port
        said = refused(begin(onnx_bundle, "--port", port))
    assert said == (
        f"127.0.0.1, port {port}: cannot be listened on (Address already in use); choose another "
        "with --port, 0 for any that is free"
    )


def test_another_targets_bundle_is_refused(begin, make_run, tmp_path):
    row = target("torchscript")
    bundle = tmp_path / "bundle"
    order = row.order([(128, 160)])
    write_bundle(make_run(tmp_path / "run"), bundle, target=row, order=order)
    assert refused(begin(bundle)) == (
        f"{bundle}: found target torchscript; expected onnx: mobileseg convert --target onnx"
    )


def test_a_changed_bundle_is_refused_before_anything_is_served(begin, onnx_bundle, tmp_path):
    bundle = Path(shutil.copytree(onnx_bundle, tmp_path / "bundle"))
    artifact = bundle / "model.onnx"
    content = bytearray(artifact.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.write_bytes(content)
    assert "changed after the conversion" in refused(begin(bundle))


def test_what_is_missing_is_named_with_the_command(begin, onnx_bundle, checkout):
    (checkout / "web_demo" / "package.json").write_text("{}")
    (checkout / "web_demo" / "vendor" / RUNTIME[1]).unlink()
    said = refused(begin(onnx_bundle))
    assert f"no {RUNTIME[1]} in it" in said and "npm ci && npm run vendor" in said
    assert "nowhere: no ort.wasm" in refused(begin(onnx_bundle, "--runtime", "nowhere"))
    (checkout / "web_demo" / "index.html").unlink()
    assert "no index.html there" in refused(begin(onnx_bundle))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: no such folder"),
        ([], "Missing argument 'BUNDLE'"),
        (["b", "--port", "65536"], "65536"),
        (["b", "--port", "x"], "'x' is not a valid integer"),
    ],
    ids=str,
)
def test_misuse_is_one_line(begin, arguments, said):
    assert said in refused(begin(*arguments))


@pytest.mark.parametrize("opens", [True, False])
def test_a_browser_is_opened_if_asked_for(monkeypatch, capsys, opens):
    opened: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(webbrowser, "open", opened.put)
    ready("http://127.0.0.1:1/", opens)
    assert capsys.readouterr().out == "http://127.0.0.1:1/\n"
    if opens:
        assert opened.get(timeout=LONGEST_S) == "http://127.0.0.1:1/"
    assert opened.empty()


def test_a_missing_toolkit_names_the_extra(checkout, onnx_bundle, tmp_path):
    (tmp_path / "uvicorn.py").write_text("raise ImportError('not installed', name='uvicorn')\n")
    done = subprocess.run(
        [sys.executable, "-c", MAIN, str(checkout), "serve", str(onnx_bundle)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "mobileseg: uvicorn is not installed and this needs it; install the extra: pip install "
        "'mobileseg[serve]'\n"
    )
