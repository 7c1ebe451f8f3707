"""Whether a photo of a pack was edited, and where: marks against the obvious measures, by kind of edit and by script.

For each seed `benchmarks/photographs.py` makes a genuine photo and one with an edit; each is laid on its official
picture. A photo counts as edited where there is any mark; an edit is boxed where a mark overlaps it with IoU > 0.3,
both in the photo. A photo's score is the strength of its strongest mark, or how near any place is to being one. Beside
that, on the same photos: a colour histogram, a perceptual hash and SSIM of the photo as it is, and SSIM and the Lab
difference once it is laid flat and its light evened. AUROC of edited against genuine: 0.5 is chance. Intervals are
95%, those of `agent/figures.py`, which takes all photos for independent.

The thresholds of `tools/differences.py` were chosen on seeds 0 to 219: report on others. The fronts of the catalogue
are the same on all seeds; the labels made up are not, and are reported on their own too. Run:

    python benchmarks/differences.py --seeds 220-279 --workers 1
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.agent.figures import Figure, auroc, share
from sightline.benchmarks.alternatives import (
    hash_distance,
    histogram,
    histogram_distance,
    perceptual_hash,
    similarity,
    similarity_map,
)
from sightline.benchmarks.edits import KINDS, Pixels, kind_of
from sightline.benchmarks.photographs import MARGIN, Shot, seeds, shoot
from sightline.tools.differences import differences
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.flat import Flat, lay
from sightline.tools.recognise import ENOUGH
from sightline.tools.registration import register
from sightline.tools.surface import lab
from sightline.tools.types import Box

BOXED = 0.3
"""IoU over which a mark boxes an edit."""


@dataclass(frozen=True)
class Result:
    """What became of one photo.

    `laid`: whether it could be laid on its reference. `marks`: kind, IoU with the edit (0 where genuine), strength, in
    thresholds, and box in pixels of the reference. `scores`: by measure, larger where a photo looks edited. `ms`: from
    features to marks.
    """

    shot: Shot
    laid: bool
    marks: tuple[tuple[str, float, float, Box], ...]
    scores: dict[str, float]
    ms: float

    @property
    def boxed(self) -> bool:
        """Whether a mark overlaps the edit enough."""
        return any(overlap > BOXED for _, overlap, _, _ in self.marks)

    @property
    def false(self) -> int:
        """Marks that do not touch the edit."""
        return sum(overlap == 0 for _, overlap, _, _ in self.marks)


def measure(task: tuple[int, str | None], backgrounds: Path | None) -> Result:
    """Make one photo and hold it against its official picture by every measure."""
    cv2.setNumThreads(1)
    shot, reference = shoot(*task, backgrounds)
    photo = shot.pixels
    there = extract(reference, *OFFICIAL)
    start = time.perf_counter()
    registration = register(extract(photo, *SEEN), there)
    flat: Flat | None = None
    marks: tuple[tuple[str, float, float, Box], ...] = ()
    unlike = 0.0
    if registration is not None and len(registration) >= ENOUGH:
        flat = lay(photo, reference, registration.homography)
        held = differences(flat)
        unlike = held.unlike
        for mark in held.marks:
            box = Box.around((x, y) for x, y in flat.region(mark.box))
            marks += ((mark.kind, box.overlap(shot.box) if shot.box else 0.0, mark.strength, flat.there(mark.box)),)
    ms = (time.perf_counter() - start) * 1000
    scores = {
        "marks": unlike,
        "colour histogram": histogram_distance(histogram(photo), histogram(reference)),
        "perceptual hash": hash_distance(perceptual_hash(photo), perceptual_hash(reference)),
        "SSIM": -similarity(photo, reference),
        "aligned SSIM": -in_view(flat, similarity_map(*_bytes(flat))) if flat else 0.0,
        "aligned Lab": in_view(flat, np.abs(lab(flat.photo) - lab(flat.reference)).mean(axis=2)) if flat else 0.0,
    }
    return Result(replace(shot, jpeg=b""), flat is not None, marks, scores, ms)


def _bytes(flat: Flat) -> tuple[Pixels, Pixels]:
    photo, reference = (np.asarray(side.clip(0, 255), np.uint8) for side in (flat.photo, flat.reference))
    return photo, reference


def in_view(flat: Flat, values: NDArray[Any]) -> float:
    """The mean over what is seen of the pack."""
    rim = round(MARGIN / flat.to_reference)
    inner = (slice(rim, -rim), slice(rim, -rim))
    return float(values[inner][flat.seen[inner]].mean())


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The figures, by group and by measure."""
    edited, genuine = ([row for row in results if (row.shot.kind is None) == plain] for plain in (False, True))
    groups: list[tuple[str, Callable[[Result], bool]]] = [
        *((kind, lambda row, kind=kind: row.shot.kind == kind) for kind in KINDS),
        ("han", lambda row: row.shot.script == "han"),
        ("latin", lambda row: row.shot.script == "latin"),
        ("labels made up", lambda row: row.shot.made_up),
        ("all", lambda _: True),
    ]  # fmt: skip
    out: dict[str, Any] = {"auroc": {}, "groups": {}}
    for name in results[0].scores:
        sides = [[row.scores[name] for row in rows] for rows in (edited, genuine)]
        out["auroc"][name] = auroc(*sides)
    for name, belongs in groups:
        ours, plain = [row for row in edited if belongs(row)], [row for row in genuine if belongs(row)]
        out["groups"][name] = {
            "edits": len(ours),
            "genuine": len(plain),
            "marked": share([bool(row.marks) for row in ours]),
            "boxed": share([row.boxed for row in ours]),
            "false marks a photo": sum(row.false for row in ours) / max(len(ours), 1),
            "named": dict(Counter(kind for row in ours for kind, overlap, _, _ in row.marks if overlap > 0)),
            "genuine marked": share([bool(row.marks) for row in plain]),
        }
    out["not laid"] = sum(not row.laid for row in results)
    out["ms"] = statistics.median(row.ms for row in results)
    return out


def show(results: Sequence[Result]) -> None:
    """Print the figures, then what was missed and what was marked without reason."""
    figures = summary(results)
    print(f"{'':17}{'edits':>6}{'marked':>21}{'boxed':>21}{'genuine':>9}{'marked':>21}{'false':>7}  marked as")
    for name, row in figures["groups"].items():
        named = ", ".join(f"{count} {kind}" for kind, count in row["named"].items())
        marked, boxed, plain = (_told(row[which]) for which in ("marked", "boxed", "genuine marked"))
        print(
            f"{name:17}{row['edits']:6}{marked:>21}{boxed:>21}{row['genuine']:9}{plain:>21}"
            f"{row['false marks a photo']:7.2f}  {named}"
        )
    print("\nedited or genuine, AUROC (95%)")
    for name, figure in figures["auroc"].items():
        print(f"  {name:17} {_told(figure)}")
    print(f"\nnot laid on their reference: {figures['not laid']} of {len(results)}; {figures['ms']:.0f} ms a photo")
    print("\nmissed, and marked though genuine: box in pixels of the reference, strength in thresholds")
    for row in results:
        where = f"  {row.shot.seed:4} {row.shot.kind or 'genuine':16}"
        over = f"  ({' and '.join(row.shot.over)} in the photo)" if row.shot.over else ""
        marks = ", ".join(f"{kind} {_written(box)} strength {power:.1f}" for kind, _, power, box in row.marks)
        if row.shot.there is not None and not row.boxed:
            print(f"{where} {_written(row.shot.there)}, marked: {marks or 'nothing'}{over}")
        elif row.shot.there is None and row.marks:
            print(f"{where} {marks}{over}")


def _told(figure: Figure | None) -> str:
    """A figure with its interval; nothing where there is nothing to measure."""
    if figure is None or figure.interval is None:
        return ""
    return f"{figure.value:.3f} ({figure.interval[0]:.3f}-{figure.interval[1]:.3f})"


def _written(box: Box) -> str:
    return " ".join(f"{edge:.0f}" for edge in box)


def main() -> None:
    """Make the photos, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=seeds("220-279"), help="FIRST-LAST, two photos each")
    parser.add_argument("--backgrounds", type=Path, help="a folder of .jpg photos; plain textures without")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    tasks = [(seed, kind) for seed in given.seeds for kind in (None, kind_of(seed))]
    one = partial(measure, backgrounds=given.backgrounds)
    if given.workers > 1:
        with ProcessPoolExecutor(given.workers) as pool:
            results = list(pool.map(one, tasks))
    else:
        results = [one(task) for task in tasks]
    if given.json:
        print(json.dumps(summary(results), default=asdict))
    else:
        show(results)


if __name__ == "__main__":
    main()
