"""`sightline doctor`: what is installed, configured and working; and what a model makes of images."""

from typing import Annotated

import typer

from .command import FAILURE, Home, Json, Plain, errors
from .terminal import print_json, say, spinner, table

app = typer.Typer(rich_markup_mode=None)


@app.command()
def doctor(
    model: Annotated[
        str | None,
        typer.Option(
            help="Calibrate this model, and keep what is found: transformers:…, openai:…, provider:model, or with "
            "--server its name there."
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Its OpenAI-compatible server, as 127.0.0.1:8000; a key goes in SIGHTLINE_API_KEY."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Say what is installed, configured and working on this machine."""
    with errors(as_json):
        from .doctor import examine

        with spinner(plain or as_json) as tell:
            report = examine(home, model, server, tell)
    if as_json:
        print_json(report)
    else:
        table(
            ("what", "", "detail"),
            [(c["what"], "ok" if c["ok"] else "NO", c["detail"]) for c in report["checks"]],
            plain,
        )
        for problem in report["problems"]:
            say(problem["text"])
    raise typer.Exit(0 if report["ok"] else FAILURE)
