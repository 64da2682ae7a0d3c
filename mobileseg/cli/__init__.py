"""The command line: one file per verb, each imported only when it is called.

Results go to stdout, progress to stderr. Exit 0 yes, 1 no, 2 misuse, 3 something was not run,
130 Ctrl-C. An error is one line; a traceback is a bug of ours (or asked for: MOBILESEG_DEBUG=1).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from mobileseg.errors import MobilesegError
from mobileseg.version import __version__

# Verb -> what it does, in the order a person meets them. The file is cli/<verb>.py, with _ for -,
# and its command is called `command`.
VERBS = {
    "demo": "Pictures to a checked phone model, in one command.",
    "phantom": "Write synthetic fundus pictures with lesion masks.",
    "train": "Train a network on a folder of pictures.",
    "study": "Train many runs from one file.",
    "evaluate": "Score a trained run on labelled pictures.",
    "ensemble": "Average runs, or lay their lesions side by side.",
    "calibrate": "Make a run's probabilities mean what they say.",
    "predict": "Draw and count lesions on pictures.",
    "quantize": "Find an int8 form that keeps the lesions.",
    "convert": "Turn a trained run into a phone's file.",
    "parity": "Compare a phone's file with PyTorch.",
    "bench": "Time files beside their peers; on a GPU, Table 2.",
    "bundle-apps": "Put bundles into the demo apps.",
    "serve": "Show a bundle in the browser.",
    "mil": "Look into a Core ML program, and run it.",
    "report": "Tables and figures of a study, beside the paper's.",
    "goldens": "Write what the demo apps' tests read.",
    "profile": "Show MACs, parameters and size of a variant.",
    "variants": "List the network variants.",
}


class LazyGroup(click.Group):
    """A group that knows its verbs' names and help, and imports a verb only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        file = cmd_name.replace("-", "_")
        command: click.Command = import_module(f"mobileseg.cli.{file}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mobileseg")
def cli() -> None:
    """Retinal lesion segmentation for phones: train, convert, prove it is the same.

    Not a medical device.

    \b
    Example:
        mobileseg demo
        mobileseg convert --target coreml
    """


def main() -> None:
    """Entry point: turns every expected failure into one line and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)  # None for what is no fault of the command line's
        see = f" (see: {context.command_path} --help)" if context else ""
        click.echo(f"mobileseg: {error.format_message()}{see}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("mobileseg: stopped", err=True)
        code = 130
    except MobilesegError as error:
        click.echo(f"mobileseg: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:  # `mobileseg … | head`: the reader has gone, and that is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:  # disk full, no permission: the file and the system's own reason
        if os.environ.get("MOBILESEG_DEBUG"):
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"mobileseg: {where}{error.strerror or error}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
