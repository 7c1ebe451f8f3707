"""The tool `describe`: what can be measured in a photo, and what a vision language model says of it."""

import time
from collections.abc import Sequence

from .codes import fact_of, read_codes
from .colour import by_part
from .errors import BadInput, ModelFailed
from .identify import identify_by
from .kit import Kit
from .ocr import why_incomplete
from .photos import pixels
from .quality import quality_of
from .reading import read
from .seeing import eye
from .telling import Telling, answering, describing
from .types import Fact, Failure, Finding, Outcome, Photo, Region

DETAILS = ("brief", "normal", "full")


def describe(photo: Photo, kit: Kit, *, question: str | None = None, detail: str = "normal") -> Finding:
    """Say what a photo shows, or answer a question about it.

    Text, codes, light and colours, by region, are measured; products of the catalogue are `matches`. Facts are named
    `code` (or `code_invalid`, where the check digit does not agree) and `colour`. What things are and what goes on is
    for the model of the kit: `said` is its answer to the question, or its description, `brief`, `normal` or `full`, and
    `sentences` the same with what each asserts; `glances` are second looks for what it names. Without a model, or where
    it gives no answer (`failed`), the rest is there all the same; where a question was asked the outcome is then
    `not_looked`, reason `needs_model`. A photo too poor to look at, with nothing read in it, is `unreadable`. One that
    shows nothing is shown to no model, and a question about it is `unreadable` as well. Raises `BadInput` for a detail
    that is none, `Unavailable` without an OCR engine or a barcode reader, `Cancelled`.
    """
    if detail not in DETAILS:
        raise BadInput(f"Expected a detail of {', '.join(DETAILS)}; got {detail!r}.")
    start = time.perf_counter()
    seen = pixels(photo)
    quality = quality_of(photo)
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
    evidence = [("T", line.label) for line in text if line.label] + [("K", f.value) for f in facts if f.name == "code"]
    evidence += [("P", match.title) for match in products.matches if known]
    words, failed = _told(photo, kit, question, detail, evidence) if outcome == "found" else (None, None)
    if outcome == "found" and question and not words:
        # Print may be read where nothing else is to be seen; without a model nothing else was tried.
        shown = quality.shows or bool(reading.text and kit.model is None)
        outcome, reason = ("not_looked", "needs_model") if shown else ("unreadable", "photo_too_poor")
    how = "" if detail == "normal" else f".{detail}"
    return Finding(
        id=f"describe:{photo.id[7:15]}{how}" + (f":{question}" if question else ""),
        tool="describe",
        outcome=outcome,
        photos=(photo.id,),
        source=f"{reading.engine}, zxing-cpp, colour and photo quality",
        ms=1000 * (time.perf_counter() - start),
        asked=question,
        text=reading.text or None,
        regions=(
            *text,
            *(f.region for f in facts if f.region and f.region.kind == "code"),
            *(products.regions if known else ()),
        ),
        facts=tuple(facts),
        quality=quality,
        matches=products.matches if known else (),
        model=kit.model.name if kit.model and (words or failed) else None,
        said=words.said if words else None,
        sentences=words.sentences if words else (),
        glances=words.glances if words else (),
        assumed=words.assumed if words else (),
        failed=failed,
        cut=bool(words and words.cut),
        turned=reading.turned,
        mirrored=reading.mirrored,
        reason=reason,
    )


def _told(
    photo: Photo, kit: Kit, question: str | None, detail: str, evidence: Sequence[tuple[str, str]]
) -> tuple[Telling | None, Failure | None]:
    """What the model says, or why it says nothing."""
    model = eye(photo, kit)
    if model is None:
        return None, None
    try:
        if question:
            return answering(model, photo, question, kit.language, evidence), None
        return describing(model, photo, detail, kit.language, evidence), None
    except ModelFailed as error:
        return None, error.reason
