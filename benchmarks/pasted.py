"""Whether an edit pasted into a real photo is noticed, and a genuine one let pass, against four plain measures.

Photos of the grocery set whose own product registers well are edited in one place of the face, known by that
registration: a word blotted out or replaced, a patch recoloured, a part of another product's artwork set in, a part
of the face moved, or a part wiped with the colour around it. What is pasted takes up the light and the softness of
the photo there and is compressed with it. An edit covers at least 8% of the face each way, and a quarter of its
pixels differ clearly once shrunk to the official picture's size. Every photo is also compressed alike without an
edit: that is its genuine twin, so photos are paired. Held against the official picture, a photo is decided where it is
laid on it, is not one to take again, and shows and agrees with as much of the face as `tools/compare.py` asks before
it answers, by its thresholds. `compare` itself does not run: it would also find the product, and read the photo to
name the marks, which no other measure does; each mark stands for a difference here. All measures are compared on the
photos that are decided. Intervals are 95%, those of `agent/figures.py`, which takes all photos for independent. The
thresholds of `tools/agreement.py` and of `tools/differences.py` for what is usual were chosen on photos of `tune`, a
third of `train`; `held` is another third of `train`, and `val` is `val`.

FOLDER holds the Grocery Store Dataset (Klasson, Zhang and Kjellström, WACV 2019) as `catalogue.jsonl` and
`photos.jsonl`, with `packaged` in the rows of both and `split`, `train` or `val`, in those of the photos. Run:

    python benchmarks/pasted.py --grocery FOLDER --group val --workers 1
"""

import argparse
import io
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.agent.figures import Figure, auroc, share
from sightline.benchmarks.alternatives import histogram, histogram_distance, similarity
from sightline.tools.compare import AGREEING, KNOWN, MARKED, RELATED, SMALLEST, VISIBLE
from sightline.tools.differences import Held, differences, face_of
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.flat import Flat, hull, lay
from sightline.tools.quality import measure
from sightline.tools.recognise import ENOUGH
from sightline.tools.registration import Registration, centred, project, register
from sightline.tools.surface import lab
from sightline.tools.types import Box

Pixels = NDArray[np.uint8]
Picture = NDArray[Any]  # (h, w, 3) float32, 0..255

WELL = 24
"""Inliers from which on a photo registers well enough to know where on the face an edit is."""

_CLEAR, _SHARE = 12.0, 0.25
"""Lab difference that is clear, and the share of an edit that has to differ so much, in the official picture's size."""

_TRIES = 60


@dataclass(frozen=True)
class Place:
    """Where an edit goes: a box in pixels of the reference, and the way from there to the photo."""

    box: Box
    to_photo: NDArray[Any]

    def mask(self, photo: Pixels, soft: float = 0.7) -> Picture:
        """Its share of each pixel of the photo, `(h, w, 1)`, 0..1, softly bounded."""
        corners = project(self.to_photo, np.array(self.box.corners))
        drawn = np.zeros(photo.shape[:2], np.float32)
        cv2.fillConvexPoly(drawn, (corners * 16).round().astype(np.int32), 1, cv2.LINE_AA, 4)
        return np.asarray(cv2.GaussianBlur(drawn, (0, 0), soft), np.float32)[..., None]

    def warp(self, patch: Pixels, photo: Pixels) -> Picture:
        """A patch that fills the box, as the photo would show it."""
        high, wide = patch.shape[:2]
        fit = np.diag([self.box.width / wide, self.box.height / high, 1.0])
        fit[:2, 2] = self.box.x0, self.box.y0
        shown = _linear(self.to_photo, self.box) * self.box.width / wide
        soft = cv2.GaussianBlur(patch, (0, 0), 0.4 / shown) if shown < 0.6 else patch
        way, size = centred(self.to_photo @ fit), photo.shape[1::-1]
        return np.asarray(cv2.warpPerspective(soft, way, size, borderMode=cv2.BORDER_REPLICATE), np.float32)

    def around(self, photo: Pixels) -> NDArray[np.bool_]:
        """The ring around it in the photo."""
        wide = Place(_grown(self.box, 0.3), self.to_photo).mask(photo)[..., 0] > 0.5
        return np.asarray(wide & (self.mask(photo)[..., 0] < 0.05))


def _linear(way: NDArray[Any], box: Box) -> float:
    """Pixels of the photo to one of the reference around a box."""
    corners = project(way, np.array(box.corners)).astype(np.float32)
    return float(np.sqrt(abs(cv2.contourArea(corners)) / box.area))


def _grown(box: Box, by: float) -> Box:
    return Box(box.x0 - by * box.width, box.y0 - by * box.height, box.x1 + by * box.width, box.y1 + by * box.height)


def _blend(photo: Pixels, new: Picture, share: Picture) -> Pixels:
    return np.asarray((photo * (1 - share) + new * share).clip(0, 255), np.uint8)


def word(photo: Pixels, place: Place, other: Pixels, dice: random.Random) -> Pixels:
    """What is there is painted over in the colour around it; another word, or a number, may stand in its place."""
    plain = wipe(photo, place, other, dice)
    if dice.random() < 0.3:
        ink = np.array([dice.choice([(20, 20, 20), (240, 240, 240), (30, 30, 140)])], np.float32)
        return _blend(photo, np.broadcast_to(ink, photo.shape), place.mask(photo))
    text = dice.choice(["NEW", "2021", "500 g", "EXTRA", "MAX", "0.5%", "PLUS", "SALT", "LITE"])
    ground = plain[place.mask(photo)[..., 0] > 0.5].mean()
    high = 40
    wide = max(round(high * place.box.width / place.box.height), 20)
    drawn = Image.new("L", (wide, high), 0)
    size = 40.0
    while size > 8 and ImageFont.load_default(size).getlength(text) > 0.95 * wide:
        size -= 1
    ImageDraw.Draw(drawn).text((wide / 2, high / 2), text, 255, ImageFont.load_default(size), anchor="mm")
    ink = np.full(3, 25.0 if ground > 110 else 235.0)
    share = place.warp(np.asarray(drawn), photo)[..., None] / 255 * place.mask(photo)
    return _blend(plain, np.broadcast_to(ink, photo.shape), np.asarray(cv2.GaussianBlur(share, (0, 0), 0.6))[..., None])


def recolour(photo: Pixels, place: Place, _: Pixels, dice: random.Random) -> Pixels:
    """Another hue, and no longer pale."""
    colours = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV_FULL).astype(np.int64)
    colours[..., 0] = (colours[..., 0] + dice.choice([57, 128, 184])) % 256
    colours[..., 1] = np.maximum(colours[..., 1], 90)
    return _blend(photo, cv2.cvtColor(colours.astype(np.uint8), cv2.COLOR_HSV2RGB_FULL), place.mask(photo))


def swap(photo: Pixels, place: Place, other: Pixels, dice: random.Random) -> Pixels:
    """A part of another product's artwork, as bright as what it covers."""
    ground = face_of(other.astype(np.float32))
    y, x = np.nonzero(ground if ground is not None else np.ones(other.shape[:2]))
    best, most = other[:8, :8], -1.0
    for _ in range(20):
        n = dice.randrange(len(x))
        wide, high = round(place.box.width), round(place.box.height)
        part = other[y[n] : y[n] + high, x[n] : x[n] + wide]
        if part.shape[:2] == (high, wide) and float(part.std()) > most:
            best, most = part, float(part.std())
    new = place.warp(best, photo)
    inside = place.mask(photo)[..., 0] > 0.5
    gain = np.clip((photo[inside].mean() + 20) / (new[inside].mean() + 20), 0.5, 1.3)
    return _blend(photo, new * gain, place.mask(photo))


def move(photo: Pixels, place: Place, _: Pixels, dice: random.Random) -> Pixels:
    """What stands half a box further on the face stands here instead."""
    away = dice.choice([(-1, 0), (1, 0), (0, -1), (0, 1)])
    dx, dy = (
        dice.uniform(0.5, 1) * n * edge for n, edge in zip(away, (place.box.width, place.box.height), strict=True)
    )
    there = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)
    way = centred(place.to_photo @ there @ np.linalg.inv(place.to_photo))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    new = cv2.warpPerspective(photo, way, photo.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _blend(photo, new, place.mask(photo))


def wipe(photo: Pixels, place: Place, _: Pixels, dice: random.Random) -> Pixels:
    """Nothing but the colour around it, as it falls off from one side to the other."""
    ring = place.around(photo)
    y, x = np.nonzero(ring)
    middle = np.array([x.mean(), y.mean()])
    terms = np.stack([np.ones(len(x)), x - middle[0], y - middle[1]], axis=1)
    # Robust against the artwork in the ring: pulled to its commonest colour.
    usual = np.median(photo[ring], axis=0)
    near = np.linalg.norm(photo[ring] - usual, axis=1) < 40
    near = near if near.sum() > 20 else np.ones(len(x), bool)
    ridge = np.diag([1e-3, 200.0, 200.0])
    plane = np.linalg.solve(terms[near].T @ terms[near] + ridge, terms[near].T @ photo[ring][near])
    down, across = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]]
    fill = plane[0] + (across - middle[0])[..., None] * plane[1] + (down - middle[1])[..., None] * plane[2]
    grain = np.random.default_rng(dice.randrange(1 << 30)).standard_normal(photo.shape) * 2
    return _blend(photo, fill + grain, place.mask(photo))


Edit = Callable[[Pixels, Place, Pixels, random.Random], Pixels]
EDITS: dict[str, Edit] = {"word": word, "recolour": recolour, "swap": swap, "move": move, "wipe": wipe}


@dataclass(frozen=True)
class Pair:
    """One photo, edited and genuine, compressed alike. `truth`: the edit in pixels of the reference."""

    name: str
    kind: str
    edited: Pixels
    genuine: Pixels
    reference: Pixels
    truth: Box


def make(row: dict[str, Any], folder: Path, references: dict[str, str]) -> Pair | None:
    """Edit one photo; `None` where its product does not register well, or no edit would be clear."""
    dice = random.Random(f"pasted {row['image']}")
    photo, reference = _read(folder / row["image"]), _read(folder / references[row["sku"]])
    there = extract(reference, *OFFICIAL)
    laid = register(extract(photo, *SEEN), there)
    face = face_of(reference.astype(np.float32))
    if laid is None or len(laid) < WELL or face is None:
        return None
    kind, quality = dice.choice(sorted(EDITS)), dice.choice([85, 90, 95])
    points = there.points[laid.inliers[:, 1]].astype(float)
    other = _read(folder / references[dice.choice(sorted(set(references) - {row["sku"]}))])
    for _ in range(_TRIES):
        place = _place(points, face, laid, dice)
        if place is None:
            continue
        edited = EDITS[kind](photo, place, other, dice)
        if _clearly(photo, edited, place, reference):
            return Pair(row["image"], kind, _packed(edited, quality), _packed(photo, quality), reference, place.box)
    return None


def _place(points: NDArray[Any], face: NDArray[np.bool_], laid: Registration, dice: random.Random) -> Place | None:
    """A box on the face, between features that agree, with some of them in it or close by."""
    rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
    wide = dice.uniform(0.12, 0.35) * (columns[-1] - columns[0])
    high = dice.uniform(0.08, 0.22) * (rows[-1] - rows[0])
    x, y = dice.uniform(columns[0], columns[-1] - wide), dice.uniform(rows[0], rows[-1] - high)
    box = Box(x, y, x + wide, y + high)
    known = hull(points, face.shape) & face
    if not known[int(y) : int(y + high) + 1, int(x) : int(x + wide) + 1].all():
        return None
    near = _grown(box, 0.4)
    close = (points[:, 0] > near.x0) & (points[:, 0] < near.x1) & (points[:, 1] > near.y0) & (points[:, 1] < near.y1)
    return Place(box, laid.homography) if close.sum() >= 3 else None


def _clearly(photo: Pixels, edited: Pixels, place: Place, reference: Pixels) -> bool:
    """Whether a person would see it in the official picture's size."""
    way, size = centred(place.to_photo), reference.shape[1::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    one, other = (lab(cv2.warpPerspective(side, way, size, flags=flags).astype(np.float32)) for side in (photo, edited))
    box = place.box
    part = (slice(int(box.y0), int(box.y1) + 1), slice(int(box.x0), int(box.x1) + 1))
    off = np.linalg.norm(cv2.GaussianBlur(one, (0, 0), 1.0) - cv2.GaussianBlur(other, (0, 0), 1.0), axis=2)[part]
    return bool((off > _CLEAR).mean() > _SHARE)


def _read(file: Path) -> Pixels:
    return np.asarray(Image.open(file).convert("RGB"))


def _packed(photo: Pixels, quality: int) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(photo).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


@dataclass(frozen=True)
class Result:
    """What became of one photo, edited or not.

    `boxes`: the marks, the strongest first, in pixels of the reference. `scores`: by measure, larger where a photo
    looks edited; none where the photo is not decided. `ms`: from features to marks.
    """

    decided: bool
    boxes: tuple[Box, ...]
    scores: dict[str, float]
    ms: float


def hold(photo: Pixels, reference: Pixels) -> Result:
    """Hold one photo against the official picture by every measure."""
    there = extract(reference, *OFFICIAL)
    start = time.perf_counter()
    laid = register(extract(photo, *SEEN), there)
    if laid is None or len(laid) < ENOUGH:
        return Result(False, (), {}, (time.perf_counter() - start) * 1000)
    flat = lay(photo, reference, laid.homography)
    held = differences(flat)
    ms = (time.perf_counter() - start) * 1000
    boxes = tuple(flat.there(mark.box) for mark in held.marks)
    if not decides(held, flat) or measure(photo).level == "retake":
        return Result(False, boxes, {}, ms)
    return Result(True, boxes, {"strongest mark": held.unlike, **_plainly(flat, photo, reference)}, ms)


def decides(held: Held, flat: Flat) -> bool:
    """Whether the face is large enough, and enough of it in view and agreeing, for any answer."""
    if max(flat.photo.shape[:2]) / flat.grain < (MARKED if held.marks else SMALLEST):
        return False
    if held.marks:
        return held.visible >= KNOWN and held.agreement >= RELATED
    return not held.unsure and held.visible >= VISIBLE and held.agreement >= AGREEING


def _plainly(flat: Flat, photo: Pixels, reference: Pixels) -> dict[str, float]:
    known = (flat.agreed & flat.seen)[..., None]
    one, other = np.where(known, flat.photo, flat.reference), flat.reference
    off = np.linalg.norm(lab(one) - lab(other), axis=2)[known[..., 0]]
    return {
        "aligned SSIM": -similarity(one.astype(np.uint8), other.astype(np.uint8)),
        "aligned Lab": float(off.mean()) if off.size else 0.0,
        "unaligned SSIM": -similarity(photo, reference),
        "colour histogram": histogram_distance(histogram(photo), histogram(reference)),
    }


def both(row: dict[str, Any], folder: Path, references: dict[str, str]) -> tuple[Pair, Result, Result] | None:
    """A photo edited and genuine, each held against the official picture; `None` where it cannot be edited."""
    cv2.setNumThreads(1)
    pair = make(row, folder, references)
    return None if pair is None else (pair, hold(pair.edited, pair.reference), hold(pair.genuine, pair.reference))


def show(results: Sequence[tuple[Pair, Result, Result]], workers: int) -> None:
    """Print coverage, what is noticed and what is marked without reason, and the AUROC of each measure."""
    edited = [(pair, held) for pair, held, _ in results if held.decided]
    genuine = [held for *_, held in results if held.decided]
    figures: dict[str, Figure | None] = {
        "coverage, edited": share([held.decided for _, held, _ in results]),
        "coverage, genuine": share([held.decided for *_, held in results]),
        "edited, marked": share([bool(held.boxes) for _, held in edited]),
        "genuine, marked": share([bool(held.boxes) for held in genuine]),
        "boxed, IoU > 0.3": share([any(box.overlap(pair.truth) > 0.3 for box in held.boxes) for pair, held in edited]),
    }
    for name in genuine[0].scores if genuine else ():
        sides = [held.scores[name] for _, held in edited], [held.scores[name] for held in genuine]
        figures[f"AUROC, {name}"] = auroc(*sides)
    print(f"{len(results)} photos, each edited and genuine")
    for name, figure in figures.items():
        if figure is not None and figure.interval is not None:
            low, high = figure.interval
            print(f"  {name:26} {figure.value:.3f}  ({low:.3f} to {high:.3f})")
    for kind in EDITS:
        own = [held for pair, held in edited if pair.kind == kind]
        print(f"  {kind:10} {sum(bool(held.boxes) for held in own)} of {len(own)} decided are marked")
    if results:
        spent = statistics.median(held.ms for _, *helds in results for held in helds)
        print(f"  {spent:.0f} ms a photo (median, {workers} at a time)")


def groups(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The packaged photos to tune on, and the two groups to report on."""
    rows = [json.loads(line) for line in (folder / "photos.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["packaged"]]
    train = [row for row in rows if row["split"] == "train"]
    random.Random(5).shuffle(train)
    third = len(train) // 3
    return {
        "tune": train[:third],
        "held": train[third : 2 * third],
        "val": [row for row in rows if row["split"] == "val"],
    }


def main() -> None:
    """Edit the photos, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grocery", type=Path, required=True, metavar="FOLDER", help="the grocery set")
    parser.add_argument("--group", choices=("tune", "held", "val"), default="val")
    parser.add_argument("--photos", type=int, help="at most so many of the group")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    given = parser.parse_args()
    catalogue = [json.loads(line) for line in (given.grocery / "catalogue.jsonl").read_text("utf-8").splitlines()]
    references = {row["sku"]: row["image"] for row in catalogue if row["packaged"]}
    rows = groups(given.grocery)[given.group][: given.photos]
    one = partial(both, folder=given.grocery, references=references)
    if given.workers > 1:
        with ProcessPoolExecutor(given.workers) as pool:
            done = list(pool.map(one, rows, chunksize=4))
    else:
        done = [one(row) for row in rows]
    show([each for each in done if each is not None], given.workers)


if __name__ == "__main__":
    main()
