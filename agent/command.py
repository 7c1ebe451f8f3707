"""What every command shares: its options, its exit codes, the Assistant it opens, and what becomes of an error.

Heavy modules load inside the commands, so that `--help` is quick.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..tools.errors import BadInput, SightlineError
from .terminal import print_line, say

if TYPE_CHECKING:
    from .assistant import Assistant
    from .client import Client

BAD_INPUT, FAILURE, INTERRUPTED = 2, 4, 130
EXITS = {"found": 0, "absent": 1, "unreadable": 3, "not_looked": 5}
EXIT_CODES = (
    "Exit codes: 0 found or done, 1 looked and not there, 2 bad input, 3 looked and cannot tell, 4 failure, "
    "5 did not look (that takes a photo, or a model), 130 interrupted; of many photos 0 where each was looked at."
)

Home = Annotated[
    Path | None,
    typer.Option(envvar="SIGHTLINE_HOME", help="Where photos, threads and catalogue are kept. [default: ~/.sightline]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Plain = Annotated[bool, typer.Option("--plain", help="No colour, boxes or spinners.")]


@contextmanager
def opened(home: Path | None, as_json: bool) -> Iterator["Assistant | Client"]:
    """The Assistant of a home, or of the server that runs on it; errors are told, and end the command."""
    with errors(as_json):
        from .client import Client

        if client := Client.at(home):
            with client:
                yield client
            return
        from .assistant import Assistant

        with Assistant.open(home) as assistant:
            yield assistant


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Errors become one line (or one JSON object) and an exit code, here and nowhere else."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if not isinstance(error, SightlineError | OSError):
            traceback.print_exc()
        if as_json:
            print_line(error_object(error))
        else:
            say(f"sightline: {error or type(error).__name__}", err=True)
        raise typer.Exit(exit_code(error)) from error


def error_object(error: Exception) -> dict[str, Any]:
    """An error in JSON: its kind, and what it says."""
    return {"error": {"kind": type(error).__name__, "message": str(error)}}


def exit_code(error: Exception) -> int:
    """Whether giving something else would help."""
    return BAD_INPUT if isinstance(error, BadInput) else FAILURE


def passes_on(context: typer.Context) -> bool:
    """Whether a command stands after this one; it takes the options."""
    if not context.invoked_subcommand:
        return False
    sources = map(context.get_parameter_source, context.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise typer.BadParameter(f"put the options after `{context.invoked_subcommand}`.")
    return True
