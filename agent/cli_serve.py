"""`sightline serve`: the Assistant of a home over HTTP."""

from typing import Annotated

import typer

from .command import Home, errors

app = typer.Typer(rich_markup_mode=None)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8765,
    host: Annotated[str, typer.Option(help="The address to listen at; another than of this machine needs keys.")] = (
        "127.0.0.1"
    ),
    at_once: Annotated[
        int | None, typer.Option(min=1, help="Requests that look at the same time. [default: one a core]")
    ] = None,
    in_line: Annotated[int, typer.Option(min=0, help="Requests that wait for these; more are told to wait.")] = 64,
    per_key: Annotated[int, typer.Option(min=1, help="Requests that one key may have under way.")] = 16,
    rate: Annotated[
        str | None, typer.Option(help="How often one key may ask, as 60/minute. [default: no limit]")
    ] = None,
    most_mb: Annotated[int, typer.Option(min=1, help="How many MB one request may bring.")] = 100,
    fetch: Annotated[
        list[str] | None,
        typer.Option(
            envvar="SIGHTLINE_FETCH",
            metavar="HOST",
            help="A host that photos may be fetched from by their https addresses; repeat it. [default: none]",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Serve a home over HTTP: a page, an API, and /v1 for OpenAI's clients; until it is interrupted.

    Without keys it serves this machine alone, and whoever reaches it. With keys (`sightline keys add`) each opens a
    home of its own within this one.
    """
    with errors(as_json=False):
        from .api.serving import Bounds
        from .api.serving import serve as run

        run(home, host, port, Bounds(at_once, in_line, per_key, rate, most_mb, tuple(fetch or ())))
