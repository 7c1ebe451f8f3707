"""`sightline setup`: the dialogue that gets a person from nothing to a described photo, spoken on a terminal."""

import sys
from typing import Annotated

import typer

from .command import FAILURE, INTERRUPTED, Home, Json, Plain, errors
from .terminal import print_json, say

app = typer.Typer(rich_markup_mode=None)

_EXITS = {"ready": 0, "none": 0, "declined": 0, "offline": FAILURE, "failed": FAILURE, "stopped": INTERRUPTED}


@app.command()
def setup(
    model: Annotated[
        str | None,
        typer.Option(help="Use this model: transformers:REPOSITORY or FOLDER, or with --server its name there."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Its OpenAI-compatible server, as 127.0.0.1:8000; a key goes in SIGHTLINE_API_KEY."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take every proposal without asking.")] = False,
    language: Annotated[str | None, typer.Option(help="Speak this language, as en or zh.")] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Choose what to see with: look at this machine, propose a model, fetch and test it.

    With --json the dialogue is held on standard error.
    """
    del plain  # spoken, the same either way

    def tell(text: str) -> None:
        say(text, err=as_json)

    def ask(question: str) -> str:
        tell(question)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    with errors(as_json):
        from .language import spoken
        from .setup import HANDS, Setup

        done = Setup(home, spoken(language, "setup"), tell, ask, yes=yes).run(HANDS, model, server)
    if as_json:
        print_json(done.to_dict())
    raise typer.Exit(_EXITS[done.outcome])
