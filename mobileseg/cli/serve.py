"""`mobileseg serve`: the web demo with a bundle's model, on this machine."""

from __future__ import annotations

import signal
import threading
import webbrowser
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from mobileseg.cli.console import NOT_MEDICAL, remark
from mobileseg.cli.options import verify_key_option

TARGET = "onnx"  # what the page's runtime takes
SEEN = (
    "{host}: others in this network can open the page; but a browser takes it for safe on this "
    "machine alone: elsewhere, without https, it cannot check the model's sum, nor work offline"
)


@click.command(short_help="Show a bundle in the browser.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="0: any that is free.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 is every one of this machine.",
)
@click.option("--open/--no-open", "opens", default=False, help="Also open it in the browser.")
@click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="onnxruntime-web's dist folder. [default: the page's own vendor folder]",
)
@verify_key_option()
def command(
    bundle: Path, port: int, host: str, opens: bool, runtime: Path | None, verify_key: Path | None
) -> None:
    """Serve the web demo with BUNDLE's model until Ctrl-C; every picture stays in the browser.

    Its address is printed as soon as it answers. Sample pictures are phantoms, made at the start.

    \b
    Example:
        mobileseg convert --target onnx -o bundles/xs-ex
        mobileseg serve bundles/xs-ex
        mobileseg serve bundles/xs-ex --port 0 --open
    """
    from converters.apps.compatibility import open_for
    from converters.apps.demos import web_folder
    from converters.apps.samples import write_samples
    from converters.apps.server import address_of, is_here, listen, make_server, refuse_missing
    from converters.apps.site import make_site, samples_site

    refuse_missing()
    # A service manager's stop clears up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    site = make_site(web_folder(), open_for(TARGET, bundle, verify_key), runtime)
    with listen(host, port) as listening, TemporaryDirectory(prefix="mobileseg-") as samples:
        write_samples(Path(samples))
        url = address_of(listening, host)
        if not is_here(host):
            remark(SEEN.format(host=host))
        served = site | samples_site(Path(samples))
        make_server(served, host, lambda: ready(url, opens)).run(sockets=[listening])


def ready(url: str, opens: bool) -> None:
    """Say where it is; a text browser would hold the server, so it gets a thread of its own."""
    click.echo(url)
    remark(f"serving until Ctrl-C. {NOT_MEDICAL}")
    if opens:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
