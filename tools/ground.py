"""The tool `ground`: where something is, and how many."""

import re
import time
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import cast

from .codes import fact_of, read_codes
from .colour import areas
from .errors import ModelFailed
from .fields import every_field
from .identify import SOURCE, look, settle
from .kit import Kit
from .ocr import why_incomplete
from .photos import pixels
from .quality import hides, quality_of
from .reading import read
from .seeing import Found, eye, find
from .sightings import places
from .targets import Target, parse_target
from .types import (
    Box,
    Fact,
    FieldName,
    Finding,
    Line,
    Match,
    MatchSource,
    Outcome,
    Photo,
    Point,
    Product,
    Quad,
    Reading,
    Region,
)

_ALIKE = 0.84
"""Printed words this similar to those asked for are taken for them (share of matching characters, 0..1).

It lets pass one misread character in six, and none in words of up to five: MILK is not MILD.
"""

_TRIED = 30
"""Products of a name that are laid onto the photo in any case; of more, those that resemble it."""


def ground(photo: Photo, kit: Kit, *, target: str) -> Finding:
    """Find products, printed words, codes, colours, or other things.

    A product of the catalogue is looked for by its official pictures; where it is not seen, and its name is not
    printed, the outcome is `absent`, with the products looked for as `matches` without a place. Where it cannot be
    told from a twin that was not asked for, it is `unreadable`, `variant_undetermined`, with both as `matches`.
    What codes say comes as facts, as in `describe`. Anything else takes a model, unless its name is printed on the
    photo: without one, or where that gives no answer (`failed`), the outcome is `not_looked`, reason `needs_model`;
    where its reply cannot be read, or the photo shows nothing, it is `unreadable`. Asked which way something
    points, it comes as `directions`, unless these words are printed, as "direction of travel" may be.
    Raises `BadInput` for an empty target, `Unavailable` without an OCR engine or a barcode reader, `Cancelled`.
    """
    start = time.perf_counter()
    wanted = parse_target(target)
    products = kit.catalogue.named(wanted.literal) if wanted.kind == "thing" and not wanted.quoted else ()
    matches, undecided = _seen(photo, kit, products)
    seen = [region for match in matches if (region := match.region(photo.size))]
    # Only what is not seen as a product is read for.
    regions, facts, source, reason = (seen, [], SOURCE, None) if matches else _look(photo, kit, wanted)
    outcome: Outcome = "found"
    if not regions:
        outcome = "not_looked" if reason == "needs_model" else "unreadable" if reason else "absent"
        if undecided:
            matches, outcome, source, reason = undecided, "unreadable", SOURCE, "variant_undetermined"
        elif products:
            matches = [Match(p.sku, p.title, p.references[0], ("named",)) for p in products[:_TRIED]]
            outcome, source, reason = "absent", SOURCE, "product_not_seen"
    found = Found(outcome, tuple(regions), reason=reason)
    model, failed = eye(photo, kit) if reason == "needs_model" else None, None
    if reason == "needs_model" and kit.model and not model:
        found = Found("unreadable", reason="photo_too_poor")
    elif model:
        source = model.name
        try:
            found = find(
                model, photo, wanted.literal, kit.language, "direction" if wanted.kind == "direction" else "boxes"
            )
        except ModelFailed as error:
            failed = error.reason
    if found.outcome == "absent" and _may_hide(photo, wanted):
        found = Found("unreadable", reason="photo_too_poor")
    return Finding(
        id=f"ground:{photo.id[7:15]}:{target.strip()}",
        tool="ground",
        outcome=found.outcome,
        photos=(photo.id,),
        source=source,
        ms=1000 * (time.perf_counter() - start),
        asked=wanted.words if regions else wanted.literal,
        regions=found.regions,
        facts=tuple(facts),
        directions=found.directions,
        matches=tuple(matches),
        model=model.name if model else None,
        failed=failed,
        cut=found.cut,
        reason=found.reason,
    )


def _seen(photo: Photo, kit: Kit, products: Sequence[Product]) -> tuple[list[Match], list[Match]]:
    """Those of these products that are seen, each where it is seen best, and rivals that may or may not be them."""
    if not products:
        return [], []
    named: list[tuple[Product, MatchSource]] = [(product, "named") for product in products[:_TRIED]]
    ranking, _ = look(photo, kit, named)
    skus = {product.sku for product in products}
    found: list[Match] = []
    undecided: list[Match] = []
    for rivals in places(ranking.strong):
        settled, _ = settle(photo, kit, rivals)
        asked = [match.sku in skus for match in settled]
        if all(asked):
            found.append(settled[0])
        elif any(asked):
            undecided += settled
    return found, undecided


def _look(photo: Photo, kit: Kit, wanted: Target) -> tuple[list[Region], list[Fact], str, str | None]:
    """The regions, what codes in them say, who found them, and why there may be more."""
    if wanted.kind == "code":
        codes = [fact_of(c) for c in read_codes(pixels(photo)) if _is_kind(c.symbology, wanted.value)]
        return [fact.region for fact in codes if fact.region], codes, "zxing-cpp", None
    if wanted.kind == "colour":
        found = areas(pixels(photo), wanted.value)
        return [Region(box, wanted.value, "colour") for box, _ in found], [], "colour", None
    reading = read(photo, kit)
    reason = why_incomplete(reading)
    if wanted.kind == "text":
        return [line.region for line in reading.lines if line.status == "read"], [], reading.engine, reason
    regions = _printed(reading, wanted.words, photo)
    if wanted.kind == "field":
        facts = every_field(reading, (cast(FieldName, wanted.value),))
        # One line may hold two facts, as in 12 oz (340 g).
        regions = list(dict.fromkeys(fact.region for fact in facts if fact.region)) or regions
    elif not regions and not wanted.quoted:
        reason = "needs_model"
    return regions, [], reading.engine, reason


def _may_hide(photo: Photo, wanted: Target) -> bool:
    """Whether it may be there and not be seen; soft edges and a highlight hide print, and no coloured area."""
    quality = quality_of(photo)
    return quality.level == "retake" if wanted.kind == "colour" else hides(quality)


def _is_kind(symbology: str, kind: str) -> bool:
    square = any(word in symbology for word in ("QR", "Matrix", "Aztec", "PDF"))
    return not kind or ("QR" in symbology if kind == "QR" else not square)


def _box(quad: Quad, photo: Photo) -> Box:
    return Box.around(quad).inside(photo.size)


def _printed(reading: Reading, words: str, photo: Photo) -> list[Region]:
    """Where these words are printed, each place once, on one line or running over from one to the next."""
    lines = [line for line in reading.lines if line.status == "read"]
    found = [region for line in lines for region in _on(line, words, photo)]
    if found:
        return found
    for first, second in pairwise(lines):
        if letters(words) and letters(words) in letters(first.text) + letters(second.text):
            return [first.region, second.region]
    return []


def _on(line: Line, words: str, photo: Photo) -> list[Region]:
    """Each stretch of a line that holds the words, its box measured along the line by characters."""
    text, wanted = letters(line.text), letters(words)
    if not wanted:
        return []
    places = [(match.start(), len(wanted)) for match in re.finditer(re.escape(wanted), text)]
    if not places and len(wanted) > 5:
        places = _nearly(text, wanted)
    kept = [i for i, c in enumerate(line.text) for _ in letters(c)]
    regions = []
    for at, length in places:
        quad = _stretch(line.quad, at / len(text), (at + length) / len(text), vertical=line.vertical)
        label = line.text[kept[at] : kept[at + length - 1] + 1]
        regions.append(Region(_box(quad, photo), label, "text", line.score, quad, line.script))
    return regions


def _nearly(text: str, wanted: str) -> list[tuple[int, int]]:
    """Place and length of the stretch most like what is wanted, where one is like it enough."""
    n = len(wanted)
    starts = range(max(len(text) - n, 0) + 1)
    alike = [(SequenceMatcher(None, wanted, text[i : i + n], autojunk=False).ratio(), -i) for i in starts]
    ratio, at = max(alike)
    return [(-at, min(n, len(text)))] if text and ratio >= _ALIKE else []


def _stretch(quad: Quad, start: float, end: float, vertical: bool) -> Quad:
    def along(a: Point, b: Point, t: float) -> Point:
        return Point(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t)

    a, b, c, d = quad
    if vertical:
        return along(a, d, start), along(b, c, start), along(b, c, end), along(a, d, end)
    return along(a, b, start), along(a, b, end), along(d, c, end), along(d, c, start)


def letters(text: str) -> str:
    """Letters and digits only, of one width and case: print spaces and points as it likes."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
