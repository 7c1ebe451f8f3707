"""The rows of a catalogue file, JSON Lines or CSV: products as records, and what is wrong, by line.

A row that cannot be used is a `Problem` and the rest goes on. What a row says is data: nothing here acts on it,
no image is opened and no URL is fetched.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..tools.errors import BadInput

Row = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One product as a row states it: `images` are paths, `line` is where the row begins, counted from 1.

    `editions` are the official pictures of the pack as it is no longer made, or is made too, by the edition's name.
    """

    line: int
    sku: str
    title: str
    images: tuple[Path, ...]
    attributes: dict[str, str]
    editions: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    @property
    def paths(self) -> dict[Path, str | None]:
        """Every picture with its edition, `None` for the pack of now, which comes first."""
        old = {path: name for name, paths in self.editions.items() for path in paths}
        return {**dict.fromkeys(self.images), **{path: name for path, name in old.items() if path not in self.images}}


class Problem(NamedTuple):
    """A row that was left out: the line it begins on, and what was expected there."""

    line: int
    message: str


def read(file: Path, within: Path | None = None) -> Iterator[Record | Problem]:
    """Every row of a file in its order; a path in it is relative to the file.

    A row whose images do not all lie in the folder `within`, where one is given, is left out, and nothing outside of
    it is opened: that is for files that somebody else sent.

    Columns are `sku`, `title` and `image` or `images` (a list; in CSV, with `;` between); `editions`, if any, is an
    object, in CSV as JSON, with a list of images under the name of each edition of the pack other than the one of now;
    every other one is an attribute, as text. A row that repeats an earlier one is left out. Raises `BadInput` where
    the file cannot be read or is neither JSON Lines nor CSV.
    """
    try:
        text = _text(file.read_bytes(), file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"Expected a catalogue, JSON Lines or CSV; {str(file)!r} cannot be read: {reason}.") from error
    rows = _csv(text, file) if _is_csv(text, file) else _json_lines(text, file)
    seen: dict[str, Record] = {}
    for line, row in rows:
        found = row if isinstance(row, Problem) else _checked(line, row, file.parent, within)
        if isinstance(found, Problem):
            yield found
            continue
        first = seen.setdefault(found.sku, found)
        if first is found:
            yield found
        elif replace(found, line=first.line) != first:
            yield Problem(line, f"Expected each SKU once; {found.sku!r} is on line {first.line} and says otherwise.")


def _text(data: bytes, file: Path) -> str:
    """UTF-8, with UTF-16 where it says so, and GB18030 where it can be nothing else.

    Bytes that fit none become lone surrogates, so that their rows can be told and the rest read.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:4096]:
        raise BadInput(f"Expected a catalogue, JSON Lines or CSV; {str(file)!r} is not a text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        chinese = data.decode("gb18030")
        # Western accents stand alone between ASCII letters, and as GB18030 would make pairs that GB2312 lacks.
        foreign = [c for c in chinese if ord(c) > 127]
        if len("".join(foreign).encode("gb2312", "ignore")) >= 1.9 * len(foreign):
            return chinese
    except UnicodeDecodeError:
        pass
    return data.decode("utf-8-sig", "surrogateescape")


def _is_csv(text: str, file: Path) -> bool:
    kind = file.suffix.lower()
    start = text.lstrip()[:1]
    if start == "[" and kind not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        raise BadInput(
            f"Expected JSON Lines, one object a line; {str(file)!r} is a JSON list. Write one object a line."
        )
    return kind in (".csv", ".tsv") or (kind not in (".jsonl", ".ndjson", ".json") and start != "{")


def _json_lines(text: str, _: Path) -> Iterator[tuple[int, Row | Problem]]:
    # Not `splitlines`: a JSON text may hold U+2028 and its like.
    for line, each in enumerate(text.split("\n"), 1):
        if not each.strip():
            continue
        try:
            row = json.loads(each)
        except (ValueError, RecursionError) as error:
            yield line, Problem(line, f"Expected a JSON object on one line; it does not parse: {error}.")
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            yield line, Problem(line, f"Expected a JSON object with sku, title and image; got {each.strip()[:40]!r}.")


def _csv(text: str, file: Path) -> Iterator[tuple[int, Row | Problem]]:
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=head.count))
    try:
        columns = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise BadInput(
            f"Expected a first line that names sku, title and image; {str(file)!r} begins with {head[:80]!r}: {error}. "
            "Is a quotation mark left open?"
        ) from error
    if columns and not {"sku", "title"} <= set(columns):
        raise BadInput(
            f"Expected a first line that names sku, title and image; {str(file)!r} begins with {head[:80]!r}."
        )
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, Problem(line, f"Expected a row of CSV; {error}. Is a quotation mark left open?")
            continue
        if cells is None:
            return
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            yield (
                line,
                Problem(line, f"Expected {len(columns)} cells; got {len(cells)}. Quote a cell that holds commas."),
            )
        elif any(cell.strip() for cell in cells):
            # A row may be shorter than the first line: what it leaves out is empty.
            row: Row = dict(zip(columns, cells, strict=False))
            row.update({name: row[name].split(";") for name in ("image", "images") if name in row})
            yield line, row


def _checked(line: int, row: Row, folder: Path, within: Path | None) -> Record | Problem:
    """The record that a row states, or what it lacks."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return Problem(line, _NO_TEXT)
    images = _filled(row.get("images")) or _filled(row.get("image"))
    old = _editions(row.get("editions"))
    if old is None:
        said = json.dumps(row["editions"], ensure_ascii=False)[:80]
        return Problem(line, f"Expected editions as an object with a list of paths under each name; got {said}.")
    if not all(isinstance(image, str) for each in (images, *old.values()) for image in each):
        return Problem(line, f"Expected images as a list of paths; got {json.dumps([images, old])[:80]}.")
    paths, *others = ([image.strip() for image in each] for each in (images, *old.values()))
    named = [path for each in (paths, *others) for path in each]
    if far := next((path for path in named if re.match(r"[a-z][a-z0-9+.-]+:", path, re.I)), None):
        return Problem(
            line, f"Expected the path of an image file; got {far[:80]!r}. No URL is fetched: download it first."
        )
    if within and (other := next((path for path in named if not _lies(folder / path, within)), None)):
        return Problem(line, f"Expected an image that was sent with the catalogue; got {other!r:.200}, and none was.")
    sku, title = (_plain(row.get(name)) for name in ("sku", "title"))
    attributes = {name: _plain(value) for name, value in row.items() if name not in _OURS and name}
    editions = {name: tuple(folder / path for path in each) for name, each in zip(old, others, strict=True)}
    return checked(Record(line, sku, title, tuple(folder / path for path in paths), attributes, editions))


def checked(record: Record) -> Record | Problem:
    """The record as it is kept, trimmed and without empty attributes; or what it lacks."""
    try:
        json.dumps((record.sku, record.title, record.attributes), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Problem(record.line, _NO_TEXT)
    sku, title = record.sku.strip(), record.title.strip()
    if not sku or not title:
        return Problem(record.line, f"Expected a sku and a title; {'title' if sku else 'sku'} is missing or empty.")
    if not sku.isprintable():
        return Problem(record.line, f"Expected a sku that prints on one line; got {sku!r:.80}.")
    if not record.images:
        return Problem(record.line, f"Expected the path of an image of {sku!r}; there is none.")
    editions = {name.strip(): paths for name, paths in record.editions.items() if paths}
    odd = [name for name in editions if not name or not name.isprintable()]
    if odd:
        return Problem(record.line, f"Expected the name of an edition that prints on one line; got {odd[0]!r:.80}.")
    attributes = {name: value.strip() for name, value in record.attributes.items() if value.strip()}
    return Record(record.line, sku, title, tuple(dict.fromkeys(record.images)), attributes, editions)


_NO_TEXT = "Expected UTF-8, or GB18030 throughout; this row has bytes that are no text. Save it as UTF-8."
_OURS = ("sku", "title", "image", "images", "editions")


def _lies(path: Path, folder: Path) -> bool:
    """Whether it is a file in this folder, or in one below, once links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _filled(given: object) -> list[Any]:
    """The images that a cell or a field gives, without blanks."""
    images = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    return [image for image in images if not isinstance(image, str) or image.strip()]


def _editions(given: object) -> dict[str, list[Any]] | None:
    """The images of each edition, without blanks; `None` where they are not given as that."""
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except (ValueError, RecursionError):
            return None
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(images, str | list) for images in given.values()):
        return None
    return {name: _filled(images) for name, images in given.items()}


def _plain(value: object) -> str:
    """Text as it is, nothing as "", anything else as its JSON."""
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)
