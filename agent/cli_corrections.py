"""`sightline corrections`: what people told us that we got wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..tools.errors import BadInput
from .command import Home, Json, Plain, opened, passes_on
from .terminal import print_json, say, table

if TYPE_CHECKING:
    from ..tools.types import Correction

app = typer.Typer(rich_markup_mode=None)

Id = Annotated[str, typer.Argument(help="The id of a correction, 12 hexadecimal digits.")]
ABOUT = ("product", "field", "text", "place", "count", "colour", "thing", "other")
SCOPES = ("photo", "product", "similar")


@app.callback(invoke_without_command=True)
def corrections(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List what people told us that we got wrong; show, add, edit, undo, export or import corrections."""
    if not passes_on(context):
        _list(None, None, False, home, as_json, plain)


@app.command("list")
def list_(
    photo: Annotated[str | None, typer.Option(help="Those of one photo, by its id.")] = None,
    sku: Annotated[str | None, typer.Option(help="Those of one product.")] = None,
    undone: Annotated[bool, typer.Option("--all", help="Also those that were undone.")] = False,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """List the corrections that apply, in the order in which they were told, and which contradict one another."""
    _list(photo, sku, undone, home, as_json, plain)


def _list(photo: str | None, sku: str | None, undone: bool, home: Path | None, as_json: bool, plain: bool) -> None:
    with opened(home, as_json) as assistant:
        told = assistant.corrections(photo, sku, undone)
        clashes = assistant.conflicting_corrections()
    if as_json:
        shown = [[one.id for one in clash] for clash in clashes]
        print_json({"corrections": [_plain(one) for one in told], "conflicts": shown})
    elif not told:
        typer.echo("No corrections.")
    else:
        head = ("id", "on", "scope", "about", "what", "before", "after", "undone")
        table(head, [_row(one) for one in told], plain)
        for clash in clashes:
            say(f"in conflict: {', '.join(one.id for one in clash)}")


@app.command()
def show(id_: Id, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Print every version of a correction, the first one first."""
    del plain  # a line a field, the same either way
    with opened(home, as_json) as assistant:
        versions = assistant.correction(id_)
    if as_json:
        print_json({"id": id_, "versions": [_plain(one) for one in versions]})
    else:
        for one in versions:
            for name, value in _plain(one).items():
                if value is not None:
                    say(f"{name}: {value}")
            say("")


@app.command()
def add(
    photo: Annotated[str | None, typer.Argument(help="The photo that it is about, a file or an id.")] = None,
    about: Annotated[str, typer.Option(help=f"What was wrong: {', '.join(ABOUT)}.")] = "other",
    after: Annotated[str, typer.Option(help="What is right; of a product its SKU.")] = "",
    what: Annotated[str | None, typer.Option(help="The field, or the thing.")] = None,
    before: Annotated[str | None, typer.Option(help="What was said.")] = None,
    scope: Annotated[str, typer.Option(help=f"What it holds for: {', '.join(SCOPES)}.")] = "photo",
    sku: Annotated[str | None, typer.Option(help="The product that scope product holds for.")] = None,
    box: Annotated[str | None, typer.Option(help="The part of the photo, x0,y0,x1,y1 in its pixels.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so.")] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep a correction of what was said of a photo, or of a product."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        kept = assistant.correct(
            photo,
            _one_of(ABOUT, about),
            after,
            what=what,
            before=before,
            scope=_one_of(SCOPES, scope),
            sku=sku,
            box=_box(box),
            by=by,
        )
    _print(kept, as_json, "Kept")


@app.command()
def edit(id_: Id, after: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Say otherwise what is right; undoing brings the earlier back."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        edited = assistant.edit_correction(id_, after)
    _print(edited, as_json, "Edited")


@app.command()
def undo(id_: Id, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Take back the latest change of a correction, exactly."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        undone = assistant.undo_correction(id_)
    _print(undone, as_json, "Undone")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The JSON Lines file to write.")],
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Write the corrections that apply as JSON Lines."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        n = assistant.export_corrections(file)
    print_json({"exported": n}) if as_json else say(f"{n} exported")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The JSON Lines file to read.")],
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep the corrections of a JSON Lines file that are not here yet."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        n = assistant.import_corrections(file)
    print_json({"imported": n}) if as_json else say(f"{n} imported")


def _print(correction: "Correction", as_json: bool, done: str) -> None:
    if as_json:
        print_json(_plain(correction))
    else:
        say(f"{done} {correction.id}: {correction.about} {correction.what or ''} {correction.after}".replace("  ", " "))


def _plain(correction: "Correction") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(correction), "box": list(correction.box) if correction.box else None}


def _row(c: "Correction") -> tuple[str, ...]:
    return c.id, c.at[:10], c.scope, c.about, c.what or "", c.before or "", c.after, (c.undone or "")[:10]


def _one_of(names: tuple[str, ...], name: str) -> Any:
    if name not in names:
        raise BadInput(f"Expected one of {', '.join(names)}; got {name!r}.")
    return name


def _box(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        edges = [float(edge) for edge in text.split(",")]
    except ValueError:
        edges = []
    if len(edges) != 4:
        raise BadInput(f"Expected x0,y0,x1,y1 in pixels of the photo; got {text!r}.")
    return edges
