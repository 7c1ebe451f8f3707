"""Whether a photo of a pack was edited, and where: marks against the obvious measures, by kind of edit and by script.

For each seed `benchmarks/edits.py` makes a genuine photo and one with an edit; each is laid on its official picture.
A photo counts as edited where there is any mark; an edit is boxed where a mark overlaps it with IoU > 0.3, both in the
photo. Beside the marks, on the same photos: a colour histogram, a perceptual hash and SSIM of the photo as it is, and
SSIM and the Lab difference once it is laid flat and its light evened. AUROC of edited against genuine: 0.5 is chance.
Intervals are 95%: Wilson's for shares, 1,000 resamples for AUROC.

The thresholds of `tools/differences.py` were chosen on seeds 0 to 99: report on others. The fronts of the catalogue are
the same on all seeds; the labels made up are not, and are reported on their own too. Run:

    python benchmarks/differences.py --seeds 100-189 --workers 1
"""

import argparse
import json
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.benchmarks.edits import KINDS, MARGIN, Pixels, Shot, kind_of, seeds, shoot
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
    if registration is not None and len(registration) >= ENOUGH:
        flat = lay(photo, reference, registration.homography)
        for mark in differences(flat).marks:
            box = Box.around((x, y) for x, y in flat.region(mark.box))
            marks += ((mark.kind, box.overlap(shot.box) if shot.box else 0.0, mark.strength, flat.there(mark.box)),)
    ms = (time.perf_counter() - start) * 1000
    scores = {
        "marks": max((strength for _, _, strength, _ in marks), default=0.0),
        "colour histogram": histogram_distance(photo, reference),
        "perceptual hash": hash_distance(photo, reference),
        "SSIM": -similarity(photo, reference),
        "aligned SSIM": -in_view(flat, _similar(*_bytes(flat))) if flat else 0.0,
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


def histogram_distance(photo: Pixels, reference: Pixels) -> float:
    """Bhattacharyya distance of hue and saturation."""
    both = []
    for image in (photo, reference):
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hsv], [0, 1], None, [24, 16], [0, 180, 0, 256])
        both.append(np.asarray(counts / counts.sum(), np.float32))
    return float(cv2.compareHist(both[0], both[1], cv2.HISTCMP_BHATTACHARYYA))


def hash_distance(photo: Pixels, reference: Pixels) -> float:
    """Bits of 63 that differ between two DCT hashes of 32x32 pixels. Source: Zauner, "Perceptual hashes", 2010."""
    both = []
    for image in (photo, reference):
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
        low = cv2.dct(small.astype(np.float32))[:8, :8].ravel()[1:]
        both.append(low > np.median(low))
    return float((both[0] != both[1]).sum())


def similarity(photo: Pixels, reference: Pixels) -> float:
    """SSIM of luma, the photo stretched to the reference's size."""
    stretched = np.asarray(cv2.resize(photo, reference.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return float(_similar(stretched, reference).mean())


def _similar(photo: Pixels, reference: Pixels) -> NDArray[Any]:
    """SSIM of luma, by pixel. Source: Wang et al., IEEE TIP 2004."""
    one, other = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (photo, reference))

    def mean(image: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5), np.float32)

    mean_one, mean_other = mean(one), mean(other)
    spread_one, spread_other = mean(one * one) - mean_one**2, mean(other * other) - mean_other**2
    shared = mean(one * other) - mean_one * mean_other
    least_mean, least_spread = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_one * mean_other + least_mean) * (2 * shared + least_spread)
    below = (mean_one**2 + mean_other**2 + least_mean) * (spread_one + spread_other + least_spread)
    return np.asarray(top / below, np.float32)


def auroc(edited: Sequence[float], genuine: Sequence[float]) -> float:
    """How often an edited photo scores higher than a genuine one, a tie counting half."""
    return float(0.5 + 0.5 * np.sign(np.subtract.outer(edited, genuine)).mean())


def auroc_range(edited: Sequence[float], genuine: Sequence[float]) -> tuple[float, float]:
    """Its 95% interval, both sides resampled."""
    rng = np.random.default_rng(0)
    drawn = [auroc(*(list(rng.choice(side, len(side))) for side in (edited, genuine))) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share. Source: Wilson, JASA 1927."""
    if not n:
        return 0.0, 1.0
    z, share = 1.96, hits / n
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The figures, each share as hits, of how many, and its interval."""
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
        out["auroc"][name] = [auroc(*sides), *auroc_range(*sides)]
    for name, belongs in groups:
        ours, plain = [row for row in edited if belongs(row)], [row for row in genuine if belongs(row)]
        out["groups"][name] = {
            "edits": len(ours),
            "marked": _share(bool(row.marks) for row in ours),
            "boxed": _share(row.boxed for row in ours),
            "false marks a photo": sum(row.false for row in ours) / max(len(ours), 1),
            "named": dict(Counter(kind for row in ours for kind, overlap, _, _ in row.marks if overlap > 0)),
            "genuine marked": _share(bool(row.marks) for row in plain) if plain else None,
        }
    out["not laid"] = sum(not row.laid for row in results)
    out["ms"] = statistics.median(row.ms for row in results)
    return out


def _share(hits: Iterator[bool]) -> list[float]:
    each = list(hits)
    return [sum(each), len(each), *wilson(sum(each), len(each))]


def show(results: Sequence[Result]) -> None:
    """Print the figures, then what was missed and what was marked without reason."""
    figures = summary(results)
    print(f"{'':17}{'edits':>6}{'marked':>8}{'boxed':>21}{'genuine marked':>24}{'false':>7}  marked as")
    for name, row in figures["groups"].items():
        named = ", ".join(f"{count} {kind}" for kind, count in row["named"].items())
        plain = _range(row["genuine marked"]) if row["genuine marked"] else ""
        print(
            f"{name:17}{row['edits']:6}{row['marked'][0]:8}{_range(row['boxed']):>21}{plain:>24}"
            f"{row['false marks a photo']:7.2f}  {named}"
        )
    print("\nedited or genuine, AUROC (95%)")
    for name, (value, low, high) in figures["auroc"].items():
        print(f"  {name:17} {value:.3f} ({low:.3f} to {high:.3f})")
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


def _range(share: Sequence[float]) -> str:
    hits, n, low, high = share
    return f"{hits:.0f}/{n:.0f} ({low:.3f}-{high:.3f})"


def _written(box: Box) -> str:
    return " ".join(f"{edge:.0f}" for edge in box)


def main() -> None:
    """Make the photos, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=seeds("100-189"), help="FIRST-LAST, two photos each")
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
        print(json.dumps(summary(results)))
    else:
        show(results)


if __name__ == "__main__":
    main()
