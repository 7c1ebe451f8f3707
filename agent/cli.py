"""The command line: a thin face over the Assistant. It parses, prints, and turns outcomes into exit codes.

With `--json`, standard output holds one JSON object and nothing else; one a photo where there may be many photos.
"""

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..tools.errors import BadInput
from . import (
    cli_catalogue,
    cli_corrections,
    cli_doctor,
    cli_eval,
    cli_keys,
    cli_mcp,
    cli_route,
    cli_serve,
    cli_setup,
    cli_threads,
    cli_tickets,
    cli_tools,
)
from .command import BAD_INPUT, EXIT_CODES, EXITS, Home, Json, Plain, error_object, opened
from .terminal import bar, print_evidence, print_json, print_ledger, say, spinner, typed

if TYPE_CHECKING:
    from .assistant import Assistant
    from .client import Client
    from .reply import Reply

app = typer.Typer(
    help="Look at photos and say only what can be shown: text, dates, codes, colours, products, and what differs.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_tools.app)
app.add_typer(cli_route.app)
app.add_typer(cli_mcp.app)
app.add_typer(cli_doctor.app)
app.add_typer(cli_serve.app)
app.add_typer(cli_keys.app, name="keys")
app.add_typer(cli_setup.app)
app.add_typer(cli_threads.app, name="threads")
app.add_typer(cli_tickets.app, name="tickets")
app.command()(cli_tickets.handoff)
app.add_typer(cli_catalogue.app, name="catalogue")
app.add_typer(cli_corrections.app, name="corrections")
app.add_typer(cli_eval.app, name="eval")

ThreadName = Annotated[str, typer.Option(help="The conversation this turn belongs to.")]
Manner = Annotated[str, typer.Option(help="How the answer is put: plain, service or narrator.")]
Ledger = Annotated[bool, typer.Option("--ledger", help="Show each claim, how it was checked, and where.")]
Strict = Annotated[bool, typer.Option("--strict", help="Say only what is supported by what was measured.")]


def main() -> None:
    """Run `sightline`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal of another encoding shows what it cannot write as \u…, rather than ending the turn.
            stream.reconfigure(errors="backslashreplace")
    app()


@app.callback()
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="What to ask, in your own words.")] = "",
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="[PHOTO]...", help="Photos the question is about.")
    ] = None,
    thread: ThreadName = "main",
    claimed: Annotated[str | None, typer.Option(help="The SKU of the product the customer ordered.")] = None,
    manner: Manner = "plain",
    strict: Strict = False,
    ledger: Ledger = False,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Ask about photos; without photos, about those of the last turn."""
    with opened(home, as_json) as assistant:
        _photo_in_place_of_text(text, photos or [])
        put = _Put(manner, strict, ledger, as_json, plain)
        raise typer.Exit(EXITS[_turn(assistant, text, photos or [], thread, claimed, put).outcome])


@app.command()
def chat(
    thread: ThreadName = "main",
    manner: Manner = "plain",
    strict: Strict = False,
    ledger: Ledger = False,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Talk about photos, turn by turn. `/photo FILE…` adds photos to the next turn, `/quit` ends.

    With --json the turns are read from standard input, and printed together when it ends: a reply each, or an
    error in place of a turn that could not be taken, and then the exit code is 2.
    """
    turns: list[Any] = []
    waiting: list[str] = []
    put = _Put(manner, strict, ledger, as_json, plain)
    with opened(home, as_json) as assistant:
        if sys.stdin.isatty() and not as_json:
            typer.echo("/photo FILE… adds photos to your next turn; /quit ends.")
        for line in typed(prompt=not as_json):
            if line.strip() == "/quit":
                break
            try:
                if line.startswith("/photo"):
                    waiting += shlex.split(line)[1:]
                    continue
                turns.append(_turn(assistant, line, waiting, thread, None, put, quiet=as_json).to_dict())
            except (BadInput, ValueError) as error:
                turns.append(error_object(error))
                if not as_json:
                    say(f"sightline: {error}", err=True)
            waiting = []
    if as_json:
        print_json({"thread": thread, "turns": turns})
        raise typer.Exit(BAD_INPUT if any("error" in turn for turn in turns) else 0)


@app.command()
def index(
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV with sku, title, image or images, and attributes.")],
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep the products of a file in the catalogue.

    What is unchanged is skipped; a bad row is reported by its line, and then the exit code is 2. A run that was
    killed is taken up by the next.
    """
    with opened(home, as_json) as assistant, bar(plain) as progress:
        report = assistant.index(file, progress)
    if as_json:
        print_json({**report._asdict(), "problems": [problem._asdict() for problem in report.problems]})
    else:
        for problem in report.problems:
            # Line 0: it concerns no row of the file.
            say(f"line {problem.line}: {problem.message}" if problem.line else problem.message, err=True)
        say(f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged")
    raise typer.Exit(BAD_INPUT if report.problems else 0)


def _photo_in_place_of_text(text: str, photos: Sequence[str]) -> None:
    """Refuse `sightline ask photo.jpg`, which would ask about the words "photo.jpg" and look at nothing."""
    with suppress(OSError):  # a question may be too long to be a file's name
        if text and not photos and Path(text).is_file():
            raise BadInput(f'Expected a question, then photos; {text} is a file. Try: sightline ask "" {text}')


class _Put(NamedTuple):
    """How a turn's answer is to be put, and printed."""

    manner: str
    strict: bool
    ledger: bool
    as_json: bool
    plain: bool


def _turn(
    assistant: "Assistant | Client",
    text: str,
    photos: list[str],
    thread: str,
    claimed: str | None,
    put: _Put,
    quiet: bool = False,
) -> "Reply":
    """Take a turn and print it as it is released."""
    from .reply import Progress, Reply, Statement

    reply: Reply | None = None
    with spinner(put.plain or put.as_json) as status:
        for event in assistant.stream(text, photos, thread, claimed, put.manner, put.strict):
            if isinstance(event, Progress):
                status(event.step)
            elif isinstance(event, Statement) and not put.as_json:
                status(None)
                say(event.text)
            elif isinstance(event, Reply):
                reply = event
    assert reply is not None, "a turn ends with its reply"  # noqa: S101
    if put.as_json and not quiet:
        print_json(reply.to_dict())
    elif not put.as_json:
        print_evidence(reply, put.plain)
        if put.ledger:
            print_ledger(reply, put.plain)
    return reply


if __name__ == "__main__":
    main()
