"""The tool `describe`: what can be measured in a photo without a model."""

import time

from .codes import fact_of, read_codes
from .colour import by_part
from .identify import identify_by
from .kit import Kit
from .ocr import why_incomplete
from .photos import pixels
from .quality import measure
from .reading import read
from .types import Fact, Finding, Outcome, Photo, Region


def describe(photo: Photo, kit: Kit) -> Finding:
    """Say what can be measured: text, codes, colours, light, blur.

    Colours are given by region. What the things are is not among it, but for products of the catalogue, which are
    `matches`: `source` names the instruments, and no model. Facts are named `code` (or `code_invalid`, where the
    check digit does not agree) and `colour`.
    A photo too poor to look at, with nothing read in it, is `unreadable`.
    """
    start = time.perf_counter()
    seen = pixels(photo)
    quality = measure(seen)
    reading = read(photo, kit)
    codes = read_codes(seen)
    facts = [fact_of(code) for code in codes]
    text = tuple(line.region for line in reading.lines)
    products = identify_by(photo, kit, codes)
    known = products.outcome == "found"
    outcome: Outcome = "found"
    reason = why_incomplete(reading)
    if quality.level == "retake" and not (reading.text or codes or known):
        outcome, reason = "unreadable", "photo_too_poor"
    else:
        facts += [Fact("colour", name, None, Region(box, name, "colour")) for name, box in by_part(seen)]
    return Finding(
        id=f"describe:{photo.id[7:15]}",
        tool="describe",
        outcome=outcome,
        photos=(photo.id,),
        source=f"{reading.engine}, zxing-cpp, colour and photo quality",
        ms=1000 * (time.perf_counter() - start),
        text=reading.text or None,
        regions=(
            *text,
            *(f.region for f in facts if f.region and f.region.kind == "code"),
            *(products.regions if known else ()),
        ),
        facts=tuple(facts),
        quality=quality,
        matches=products.matches if known else (),
        turned=reading.turned,
        mirrored=reading.mirrored,
        reason=reason,
    )
