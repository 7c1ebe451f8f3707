"""How well products are identified, verified and compared, on photos whose truth is known: `sightline eval`.

The catalogue is a temporary one of the rows given, embedded as the home's is; of the home only its settings and the
name of its embedder are read, and nothing is written. Instruments answer alone: a vision language model decides nothing
that is counted here. They work in one thread, but for the OCR engine, which keeps its own. A photo or a row that cannot
be used is a problem, listed by file and line, and is in no figure.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..memory.catalogue import Catalogue
from ..memory.photos import PhotoStore
from ..memory.readings import Readings
from ..memory.records import Problem
from ..memory.records import read as read_records
from ..tools.compare import compare
from ..tools.errors import BadInput, UnreadablePhoto
from ..tools.identify import ranked
from ..tools.kit import Kit
from ..tools.photos import load, pixels
from ..tools.reader import RapidReader
from ..tools.types import Difference, Photo, Verdict
from ..tools.verify import verify
from .figures import Figure, auroc, calibration_error, median, reliability, share
from .labelled import Edit, Labelled, read
from .settings import Settings

Progress = Callable[[str, int, int], None]
"""Told the step, how many are done, and of how many."""

Looks = Iterator[tuple[Labelled, Photo]]
Report = dict[str, Any]
"""Plain data, as it is printed in JSON.

`intervals` holds the 95% interval of each figure that has one; what nothing was measured of is null.
"""

_YES, _NO = "same", "other_variant"
"""Answers of `verify` that say it is this product, and that it is another."""

_OF_IT, _BOXED = 0.2, 0.3
"""Intersection over union with the edit from which on a mark is of it, wherever its middle lies, and boxes it."""


@dataclass(frozen=True)
class _Set:
    """What is measured on: photos of products of the catalogue, the others, and what they are looked at with."""

    known: Looks
    outside: Looks
    kit: Kit
    catalogue: Catalogue


def evaluate(
    task: str, catalogue: Path, photos: Path, home: Path | str | None = None, progress: Progress | None = None
) -> Report:
    """The figures of a task, one of `TASKS`, on a labelled set; paths in both files are relative to the file.

    `catalogue` is read as `sightline index` reads it, `photos` as `labelled.read` does. `n` counts the photos of
    products of the catalogue; the others are `outside`. Raises `BadInput` where a file cannot be read or nothing is
    left to measure, and `Unavailable` without an OCR engine or a barcode reader.
    """
    if task not in TASKS:
        raise BadInput(f"Expected one of {', '.join(TASKS)}; got {task!r}.")
    tell = progress or (lambda *_: None)
    rows, problems = read(photos, edits=task == "differences")
    with _indexed(catalogue, home, tell) as (kit, kept, left_out):
        skus = {product.sku for product in kept.products()}
        known = [row for row in rows if row.sku in skus]
        outside = [row for row in rows if row.sku not in skus]
        looks = _looks(task, known, problems, tell), _looks(task, outside, problems, tell)
        with _one_thread():
            report = TASKS[task](_Set(*looks, kit, kept))
    report = {"outside": {"n": len(outside)}} | report
    if not report["n"] and not (task == "identify" and report["outside"]["n"]):
        first = f": line {problems[0].line}: {problems[0].message}" if problems else "."
        raise BadInput(
            f"Expected photos of products of the catalogue; {str(photos)!r} has none that can be used{first}"
        )
    listed = [
        {"file": str(file), "line": problem.line, "message": problem.message}
        for file, found in ((catalogue, left_out), (photos, problems))
        for problem in sorted(found)
    ]
    return {"task": task, "products": len(skus), **report, "problems": listed}


@contextmanager
def _indexed(rows: Path, home: Path | str | None, tell: Progress) -> Iterator[tuple[Kit, Catalogue, list[Problem]]]:
    """The instruments over a temporary catalogue of these rows, that, and what is wrong with the rows left out."""
    settings = Settings.of(home)
    # What the home's catalogue was made with, where nothing is set.
    with closing(Catalogue(settings.home / "catalogue", __version__, settings.embedder)) as theirs:
        embedder = theirs.embedder
    records = list(read_records(rows))
    with tempfile.TemporaryDirectory(prefix="sightline-eval-") as folder, ExitStack() as opened:
        catalogue = opened.enter_context(closing(Catalogue(Path(folder) / "catalogue", __version__, embedder)))
        problems = list(catalogue.index(records, tell).problems)
        if not len(catalogue):
            first = f": line {problems[0].line}: {problems[0].message}" if problems else "."
            raise BadInput(f"Expected products to index; {str(rows)!r} has none that can be used{first}")
        photos = opened.enter_context(closing(PhotoStore(Path(folder) / "photos")))
        readings = opened.enter_context(closing(Readings(Path(":memory:"), __version__)))
        yield Kit(RapidReader(), readings, photos, catalogue), catalogue, problems


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV in one thread, so that a time means the same on any machine."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _looks(step: str, rows: Sequence[Labelled], problems: list[Problem], tell: Progress) -> Looks:
    """Each photo that can be read, decoded; what cannot be used becomes a problem."""
    for n, row in enumerate(rows):
        tell(step, n, len(rows))
        try:
            photo = load(row.image)
            pixels(photo)
        except UnreadablePhoto as error:
            problems.append(Problem(row.line, str(error)))
            continue
        if row.edit and row.edit.box.inside(photo.size) != row.edit.box:
            size = f"{photo.size.width} x {photo.size.height}"
            problems.append(Problem(row.line, f"Expected the box of an edit inside the photo, {size} pixels upright."))
            continue
        yield row, photo
    tell(step, len(rows), len(rows))


def _identify(given: _Set) -> Report:
    """Which product: the first answer, and the first five, of all photos; the one given, where one is given."""
    first: list[bool] = []
    five: list[bool] = []
    answered: list[bool] = []
    right: list[bool] = []
    ms: list[float] = []
    undetermined = 0
    wrong: Counter[tuple[str | None, str | None]] = Counter()
    for row, photo in given.known:
        start = time.perf_counter()
        finding, order = ranked(photo, given.kit)
        ms.append(1000 * (time.perf_counter() - start))
        first.append(order[:1] == (row.sku,))
        five.append(row.sku in order[:5])
        if not first[-1]:
            wrong[row.sku, order[0] if order else None] += 1
        answered.append(finding.outcome == "found")
        if answered[-1]:
            right.append(finding.matches[0].sku == row.sku)
        undetermined += finding.reason == "variant_undetermined"
    others = [ranked(photo, given.kit)[0] for _, photo in given.outside]
    unanswered = share([finding.outcome != "found" for finding in others])
    undecided = "variant_undetermined"
    rejected = share([finding.outcome != "found" and finding.reason != undecided for finding in others])
    return {
        "n": len(ms),
        **_told(
            r_at_1=share(first),
            r_at_5=share(five),
            answered=share(answered),
            r_at_1_answered=share(right),
            ms_median=median(ms),
        ),
        "ms_p90": float(np.percentile(ms, 90)) if ms else None,
        "rejected": len(ms) - len(right) - undetermined,
        "undetermined": undetermined,
        "outside": {
            "n": len(others),
            "undetermined": sum(finding.reason == "variant_undetermined" for finding in others),
            "rejected": rejected and rejected.value,
            "unanswered": unanswered and unanswered.value,
            "intervals": {
                "rejected": rejected and rejected.interval,
                "unanswered": unanswered and unanswered.interval,
            },
        },
        "confusion": [{"sku": sku, "taken_for": other, "count": count} for (sku, other), count in wrong.most_common()],
    }


def _verify(given: _Set) -> Report:
    """Whether it is the product claimed: its own, its nearest sibling's, and one drawn by the photo's id.

    `coverage` and `accuracy_covered` are of all three kinds of pairs.
    """
    siblings = nearest_siblings(given.catalogue)
    if len(siblings) < 2:
        raise BadInput(f"Expected at least two products, to tell one from another; got {len(siblings)}.")
    said: dict[str, list[float]] = {"own": [], "sibling": [], "random": []}
    answers: dict[str, list[str]] = {kind: [] for kind in said}
    for row, photo in given.known:
        own = str(row.sku)
        other = random.Random(photo.id).choice([sku for sku in siblings if sku != own])  # noqa: S311
        for kind, sku in (("own", own), ("sibling", siblings[own]), ("random", other)):
            verification = verify(photo, given.kit, sku)
            said[kind].append(verification.p)
            answers[kind].append(verification.answer)
    decided = [(a == _YES) == (kind == "own") for kind in said for a in answers[kind] if a in (_YES, _NO)]
    pairs = [(p, kind == "own") for kind in ("own", "sibling") for p in said[kind]]
    bins = reliability([p for p, _ in pairs], [own for _, own in pairs])
    return {
        "n": len(answers["own"]),
        **_told(
            auroc_sibling=auroc(said["own"], said["sibling"]),
            auroc_random=auroc(said["own"], said["random"]),
            coverage=share([a in (_YES, _NO) for kind in said for a in answers[kind]]),
            accuracy_covered=share(decided),
            false_yes_sibling=share([a == _YES for a in answers["sibling"]]),
            true_refused=share([a == _NO for a in answers["own"]]),
        ),
        "ece": calibration_error(bins),
        "reliability": [asdict(each) for each in bins],
        "confusion": {kind: dict(Counter(each).most_common()) for kind, each in answers.items()},
    }


def nearest_siblings(catalogue: Catalogue) -> dict[str, str]:
    """For each product the one whose official pictures resemble its own the most, by SKU; a product alone has none.

    By votes of local features, and by embedding where no feature votes for another product.
    """
    out: dict[str, str] = {}
    for product in catalogue.products():
        most = len(product.references) + 1
        found = [pair for r in product.references for pair in catalogue.resembling(catalogue.features(r), most)]
        nearest = [pair for r in product.references for pair in catalogue.nearest([pixels(catalogue.photo(r))], most)]
        for ranking in (found, nearest):
            owners = [(v, o.sku) for r, v in ranking for o in catalogue.owners(r) if o.sku != product.sku]
            if owners and product.sku not in out:
                out[product.sku] = max(owners)[1]
    return out


def _differences(given: _Set) -> Report:
    """Whether a photo was edited, and where, held against the official picture of what it shows."""
    seen: list[tuple[Edit | None, Verdict, tuple[Difference, ...]]] = []
    for row, photo in given.known:
        finding = compare(photo, given.kit, against=row.sku)
        seen.append((row.edit, finding.verdict or Verdict("cannot_tell", ()), finding.differences))
    genuine = [(verdict, marks) for edit, verdict, marks in seen if edit is None]
    edited = [(edit, verdict, marks) for edit, verdict, marks in seen if edit is not None]
    clear = [(verdict, marks) for verdict, marks in genuine if _tells(verdict)]
    told = [(edit, verdict, marks) for edit, verdict, marks in edited if _tells(verdict)]
    kinds = sorted({edit.kind for edit, _, _ in edited})
    return {
        "n": len(seen),
        **_told(
            auroc=auroc([v.unlike or 0.0 for _, v, _ in told], [v.unlike or 0.0 for v, _ in clear]),
            tpr=share([_found(edit, marks) for edit, _, marks in told]),
            fpr=share([bool(marks) for _, marks in clear]),
            iou30=share([_boxed(edit, marks) for edit, _, marks in told]),
            coverage=share([_tells(verdict) for _, verdict, _ in seen]),
            coverage_genuine=share([_tells(verdict) for verdict, _ in genuine]),
            coverage_edited=share([_tells(verdict) for _, verdict, _ in edited]),
        ),
        "kinds": [
            {
                "kind": kind,
                "n": sum(edit.kind == kind for edit, _, _ in edited),
                "decided": sum(edit.kind == kind for edit, _, _ in told),
                "found": sum(edit.kind == kind and _found(edit, marks) for edit, _, marks in told),
                "boxed": sum(edit.kind == kind and _boxed(edit, marks) for edit, _, marks in told),
            }
            for kind in kinds
        ],
        "confusion": {
            "genuine": dict(Counter(verdict.answer for verdict, _ in genuine).most_common()),
            "edited": dict(Counter(verdict.answer for _, verdict, _ in edited).most_common()),
        },
    }


def _tells(verdict: Verdict) -> bool:
    return verdict.answer != "cannot_tell"


def _found(edit: Edit, marks: Sequence[Difference]) -> bool:
    """Whether a mark is of the edit: its middle lies in it, or it overlaps it."""
    for mark in marks:
        x, y = mark.region.box.centre
        inside = edit.box.x0 <= x <= edit.box.x1 and edit.box.y0 <= y <= edit.box.y1
        if inside or mark.region.box.overlap(edit.box) > _OF_IT:
            return True
    return False


def _boxed(edit: Edit, marks: Sequence[Difference]) -> bool:
    return any(mark.region.box.overlap(edit.box) > _BOXED for mark in marks)


def _told(**measured: Figure | None) -> Report:
    """The values by name, and their intervals."""
    values = {name: figure and figure.value for name, figure in measured.items()}
    return {**values, "intervals": {name: figure and figure.interval for name, figure in measured.items()}}


TASKS: dict[str, Callable[[_Set], Report]] = {
    "identify": _identify,
    "verify": _verify,
    "differences": _differences,
}
"""What can be measured."""
