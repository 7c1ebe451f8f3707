"""`sightline mcp`: the Assistant as a server of the Model Context Protocol."""

from pathlib import Path
from typing import Annotated

import typer

from .command import Home, opened

app = typer.Typer(rich_markup_mode=None)


@app.command()
def mcp(
    http: Annotated[
        int | None,
        typer.Option("--http", metavar="PORT", help="Serve streamable HTTP at this port. [default: standard input]"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="With --http: the address to listen at, one of this machine.")
    ] = "127.0.0.1",
    root: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder whose photos clients may name; repeat it. [default: this folder]"),
    ] = None,
    home: Home = None,
) -> None:
    """Serve the tools, turns and the catalogue to clients of the Model Context Protocol (MCP)."""
    with opened(home, as_json=False) as assistant:
        from .mcp_server import make
        from .mcp_transports import serve_http, serve_stdio
        from .roots import Roots

        server = make(assistant, Roots(root or [Path()]))
        if http is None:
            serve_stdio(server)
        else:
            serve_http(server, host, http)
