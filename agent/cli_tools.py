"""The tools as commands: each looks at photos and prints its findings, and keeps nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import prompts
from ..tools.errors import BadInput
from .command import EXITS, Home, Json, Plain, error_object, exit_code, opened
from .language import spoken
from .terminal import bar, print_finding, print_json, print_line, print_products, say

if TYPE_CHECKING:
    from ..tools.types import Finding

app = typer.Typer(rich_markup_mode=None)

PhotoArg = Annotated[
    str, typer.Argument(metavar="PHOTO", help="A file, - for standard input, or sha256:… of a kept photo.")
]
PhotoArgs = Annotated[
    list[str], typer.Argument(metavar="PHOTO...", help="Files, - for standard input, or sha256:… of kept photos.")
]
Lines = Annotated[bool, typer.Option("--json", help="Print one JSON object a photo, each on its line.")]
Marked = Annotated[Path | None, typer.Option("--picture", help="Also save the photo with numbered marks as this JPEG.")]


@app.command()
def ocr(
    photo: PhotoArg,
    field: Annotated[str | None, typer.Option(help="Read only this field.")] = None,
    picture: Marked = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Read the visible text in reading order, each line with its box."""
    _one_tool("ocr", photo, picture, home, as_json, plain, **({"field": field} if field else {}))


@app.command()
def ground(
    photo: PhotoArg,
    target: Annotated[
        str,
        typer.Argument(help="A product, words, code, colour, or with a model anything: 'barcode', '红色', 'a dog'."),
    ],
    picture: Marked = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Find products, printed words, codes, colours, or other things."""
    _one_tool("ground", photo, picture, home, as_json, plain, target=target)


@app.command()
def describe(
    photo: PhotoArg,
    question: Annotated[str | None, typer.Option(help="Answer this about it, with a model.")] = None,
    detail: Annotated[str, typer.Option(help="How much a model says: brief, normal or full.")] = "normal",
    picture: Marked = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Say what a photo shows, or answer a question about it."""
    args = {"detail": detail} | ({"question": question} if question else {})
    _one_tool("describe", photo, picture, home, as_json, plain, **args)


@app.command()
def identify(
    photos: PhotoArgs, picture: Marked = None, home: Home = None, as_json: Lines = False, plain: Plain = False
) -> None:
    """Say which catalogue product a photo shows."""
    _many_photos("identify", photos, picture, home, as_json, plain)


@app.command()
def compare(
    photos: PhotoArgs,
    claimed: Annotated[str | None, typer.Option(help="The SKU that was ordered; without it, it is identified.")] = None,
    other: Annotated[str | None, typer.Option("--with", metavar="PHOTO", help="Another photo to compare with.")] = None,
    picture: Marked = None,
    home: Home = None,
    as_json: Lines = False,
    plain: Plain = False,
) -> None:
    """Hold a photo against the official picture and say what differs."""
    args = {name: value for name, value in (("claimed", claimed), ("other", other)) if value is not None}
    _many_photos("compare", photos, picture, home, as_json, plain, **args)


def _one_tool(
    tool: str, photo: str, picture: Path | None, home: Path | None, as_json: bool, plain: bool, **args: str
) -> None:
    """Run one tool on one photo, print its finding, save the picture if one is wanted."""
    with opened(home, as_json) as assistant:
        source: Any = assistant.load(photo)
        finding: Finding = getattr(assistant, tool)(source, **args)
        if picture:
            assistant.draw(source, finding, picture)
    if as_json:
        from .reply import to_json

        print_json(to_json(finding))
    else:
        print_finding(finding, plain)
        _say_missing(finding)
        if picture:
            say(f"picture: {picture}")
    raise typer.Exit(EXITS[finding.outcome])


def _say_missing(finding: "Finding") -> None:
    """Say what is missing where a model gave no answer, or there is none for a question."""
    if finding.failed:
        say(prompts.say(spoken(None), f"model.{finding.failed}", model=finding.model))
    elif finding.tool == "describe" and finding.reason == "needs_model":
        say(prompts.say(spoken(None), "describe.needs_model"))


def _many_photos(
    tool: str, photos: list[str], picture: Path | None, home: Path | None, as_json: bool, plain: bool, **args: Any
) -> None:
    """Run one tool on each photo and print what it found as it comes; a bad photo is reported, and the rest goes on."""
    with opened(home, as_json) as assistant:
        if picture and len(photos) > 1:
            raise BadInput(
                f"Expected one photo where a picture is to be saved; got {len(photos)}. Leave out --picture."
            )
        if "other" in args:
            args["other"] = assistant.load(args["other"])  # once: standard input can be read no second time
        if len(photos) == 1:
            # An error about the only photo is the command's error.
            source: Any = assistant.load(photos[0])
            finding: Finding = getattr(assistant, tool)(source, **args)
            if picture:
                assistant.draw(source, finding, picture, args.get("other"))
            _print_seen(photos[0], finding, as_json, plain)
            if picture and not as_json:
                say(f"picture: {picture}")
            raise typer.Exit(EXITS[finding.outcome])
        code = 0
        # On a terminal the findings themselves show how far it is.
        with bar(plain or sys.stdout.isatty()) as progress:
            for n, (photo, found) in enumerate(assistant.each(tool, photos, **args), 1):
                if isinstance(found, Exception):
                    code = max(code, exit_code(found))
                    if as_json:
                        print_line({"file": photo, **error_object(found)})
                    else:
                        say(f"{photo!s}: {found}", err=True)
                else:
                    if not as_json:
                        say(f"{photo!s}:", dim=not plain)
                    _print_seen(str(photo), found, as_json, plain)
                progress(tool, n, len(photos))
    raise typer.Exit(code)


def _print_seen(photo: str, finding: "Finding", as_json: bool, plain: bool) -> None:
    if as_json:
        from .reply import to_json

        print_line({"file": photo, **to_json(finding)})
    else:
        print_products(finding, plain)
        _say_missing(finding)
