"""`sightline keys`: who may use the server of a home, and what they may."""

from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .command import Home, Json, Plain, errors, passes_on
from .terminal import print_json, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .api.keys import Keys

app = typer.Typer(rich_markup_mode=None)


class Scope(StrEnum):
    """What a key may: see `api.keys.Scope`."""

    look = "look"
    catalogue = "catalogue"
    operate = "operate"


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the keys of a server; add one, or revoke one. With the first, a server takes no request without a key."""
    if passes_on(context):
        return
    with _kept(home, as_json) as kept:
        rows = [
            {
                "name": key.name,
                "scopes": list(key.scopes),
                "tenant": key.tenant,
                "created": datetime.fromtimestamp(key.created, UTC).isoformat(),
                "ends": key.ends,
            }
            for key in kept.all()
        ]
    if as_json:
        print_json({"keys": rows})
    elif rows:
        cells = [(r["name"], ", ".join(r["scopes"]), r["tenant"], r["created"], f"…{r['ends']}") for r in rows]
        table(("name", "scopes", "tenant", "created", "key"), [tuple(map(str, row)) for row in cells], plain)
    else:
        typer.echo("No keys yet.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it, and its home where no tenant is named.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may; several times for several. [default: look, catalogue]", show_default=False),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Whose home it opens, within the server's; keys may share.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Make a key and print it, this once: it is not kept. A server that runs takes it at once."""
    del plain  # one line, the same either way
    with _kept(home, as_json) as kept:
        given = kept.add(name, [each.value for each in scope or (Scope.look, Scope.catalogue)], tenant)
    if as_json:
        print_json({"name": name, "tenant": tenant or name, "key": given})
    else:
        say(given)
        say("Keep it now: it is shown this once.", err=True)


@app.command()
def revoke(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Let a key in no more, at once; what its home keeps stays."""
    del plain  # one line, the same either way
    with _kept(home, as_json) as kept:
        kept.revoke(name)
    if as_json:
        print_json({"revoked": name})
    else:
        say(f"{name} is revoked.")


@contextmanager
def _kept(home: Path | None, as_json: bool) -> "Iterator[Keys]":
    with errors(as_json):
        from .api.keys import Keys
        from .settings import Settings

        yield Keys(Settings.of(home).home)
