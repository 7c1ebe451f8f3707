"""`sightline serve`: the Assistant of a home over HTTP."""

from typing import Annotated

import typer

from .command import Home, errors

app = typer.Typer(rich_markup_mode=None)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8765,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Serve a home over HTTP: a page, an API, and /v1 for OpenAI's clients; until it is interrupted."""
    with errors(as_json=False):
        from .api.serving import serve as run

        run(home, host, port)
