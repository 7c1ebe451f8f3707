"""`sightline route`: which tools an utterance would be sent to. It looks at nothing, and keeps nothing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..tools.errors import BadInput
from .command import Json, errors
from .terminal import print_line, say

if TYPE_CHECKING:
    from .router import Routed

app = typer.Typer(rich_markup_mode=None)


@app.command()
def route(
    text: Annotated[str, typer.Argument(help="What would be asked, in any of eleven languages.")] = "",
    photos: Annotated[int, typer.Option(min=0, help="How many photos it is about.")] = 0,
    batch: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Rows with `text` and `images`, a number; - reads stdin.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Name the tools that a request would go to, in order, and how sure that is; no home is opened.

    With --batch, one JSON object a row, in order.
    """
    with errors(as_json or batch is not None):
        if batch is not None and text:
            raise BadInput(f"Expected a text or --batch; got both. Leave one out: {text!r}")
        from .router import Router

        router = Router()
        if batch is not None:
            for words, number in _rows(batch):
                print_line(_plain(router.plan(words, number)))
            return
        routed = router.plan(text, photos)
        if as_json:
            print_line(_plain(routed))
            return
        for step in routed.plan:
            say(" ".join([step.tool, *(f"{name}={value}" for name, value in step.args.items())]))


def _plain(routed: "Routed") -> dict[str, Any]:
    return {"plan": [{"tool": s.tool, "args": s.args} for s in routed.plan], "margin": routed.margin}


def _rows(file: Path) -> Iterator[tuple[str, int]]:
    """The text of each row and its number of photos. Raises `BadInput` with the line of one that has not both."""
    lines = sys.stdin if str(file) == "-" else file.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            words, images = row["text"], row["images"]
        except (ValueError, TypeError, KeyError):
            words = images = None
        if not isinstance(words, str) or isinstance(images, bool) or not isinstance(images, int) or images < 0:
            raise BadInput(
                f'{file}, line {number}: expected {{"text": "…", "images": 1}}, the number of photos; '
                f"got {line.strip()[:80]!r}."
            )
        yield words, images
