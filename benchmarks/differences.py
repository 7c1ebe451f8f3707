"""What is found of what differs, by kind of edit, and whether a photo was edited at all, against two plain measures.

Printed faces of `examples/render` are edited in one place, or left genuine, and laid over a background with
perspective, uneven light, a tint, blur, noise and JPEG; some have a thumb over the rim or a lamp's glare. Each is held
against its official picture. An edit is found by a mark whose middle lies in it, or that overlaps it (IoU > 0.2); any
other mark is a false one. Then the area under the ROC curve of edited against genuine photos (0.5 is chance), of the
strength of the strongest mark, of the colour difference once aligned and lit alike, and of SSIM without aligning.
The thresholds of `tools/differences.py` were chosen on photos made likewise, from seeds 0 to 11. Run:

    python benchmarks/differences.py --backgrounds ../shared/grocery/photos/train
"""

import argparse
import io
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.examples.render import textures, wear
from sightline.examples.render.artwork import Sheet, script_of
from sightline.examples.render.fonts import font
from sightline.examples.render.packs_en import medicine_front, oat_front
from sightline.examples.render.packs_zh import biscuit_front, honey_label, soy_label, tea_box
from sightline.tools.differences import differences
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.flat import Flat, lay
from sightline.tools.recognise import ENOUGH
from sightline.tools.registration import register
from sightline.tools.surface import lab
from sightline.tools.types import Box, Size

Pixels = NDArray[np.uint8]
Picture = NDArray[Any]  # RGB (h, w, 3) float32, 0..255
Marked = tuple[str, Box, float]
"""The kind of a mark, its box in pixels of the reference, and its strength, in thresholds."""

PACKS: dict[str, Callable[[], Sheet]] = {
    "oat": oat_front,
    "medicine": medicine_front,
    "biscuit": biscuit_front,
    "honey": honey_label,
    "soy": soy_label,
    "tea": partial(tea_box, "龙井", "LONGJING", "#1f5a3a", "#2f7a50", "green", "明前春茶", "净含量 100克"),
}
LONG, MARGIN = 900, 45
"""Long side of a pack in its official picture, and the white around it, pixels."""

WIDE, HIGH = 1200, 1500
"""Pixels of a customer's photo."""

LETTERS = {
    "han": "红豆山楂枸杞菊花荷叶柠檬玫瑰苹果",
    "latin": "ABDEFGHKLMNPRSTUVX0123456789",
    "digits": "0123456789",
}


def retype(sheet: Sheet, dice: random.Random) -> Box:
    """Half the letters of a line are others, and all of it is in a bold face."""
    mark = dice.choice([mark for mark in sheet.marks if mark.kind == "line"])
    box = Box.around(mark.corners).inside(Size(*sheet.image.size))
    paper, ink = _paper_and_ink(sheet, box)
    letters = list(mark.name)
    places = [place for place, letter in enumerate(letters) if letter.isalnum()]
    for place in dice.sample(places, max(len(places) // 2, 1)):
        letters[place] = dice.choice([x for x in LETTERS[script_of(mark.name)] if x != letters[place]])
    sheet.draw.rectangle(box, paper)
    middle, down = box.centre
    if mark.vertical:
        step = box.height / len(letters)
        for row, letter in enumerate(letters):
            face = font("sans-bold", int(0.9 * min(step, box.width)))
            sheet.draw.text((middle, box.y0 + (row + 0.5) * step), letter, ink, face, anchor="mm")
        return box
    text, size = "".join(letters), max(int(0.8 * box.height), 8)
    size = min(size, max(int(size * box.width / font("sans-bold", size).getlength(text)), 8))
    sheet.draw.text((middle, down), text, ink, font("sans-bold", size), anchor="mm")
    return box


def wipe(sheet: Sheet, dice: random.Random) -> Box:
    """A part of the artwork is gone."""
    box = _part(sheet, dice)
    sheet.draw.rectangle(box, _paper_and_ink(sheet, box)[0])
    return box


def stick(sheet: Sheet, dice: random.Random) -> Box:
    """A round sticker, where there is artwork or none."""
    side = dice.uniform(0.12, 0.22) * sheet.width
    x, y = dice.uniform(0.05, 0.95) * (sheet.width - side), dice.uniform(0.05, 0.95) * (sheet.height - side)
    box = Box(x, y, x + side, y + side)
    sheet.draw.ellipse(box, dice.choice(["#d9a520", "#c0392b", "#2255aa", "#ffffff"]))
    word, face = dice.choice(["A1", "新", "SALE", "7"]), font("sans-bold", int(side / 3))
    sheet.draw.text(box.centre, word, "#222222", face, anchor="mm")
    return box


def recolour(sheet: Sheet, dice: random.Random) -> Box:
    """A part of the artwork has another hue, and is no longer pale."""
    box = _part(sheet, dice)
    part = sheet.image.crop(_whole(box)).convert("HSV")
    colours = np.asarray(part).astype(np.int64)
    colours[..., 0] = (colours[..., 0] + dice.choice([57, 128, 184])) % 256
    colours[..., 1] = np.maximum(colours[..., 1], 90)
    sheet.image.paste(Image.fromarray(colours.astype(np.uint8), "HSV").convert("RGB"), _whole(box)[:2])
    return box


def redraw(sheet: Sheet, dice: random.Random) -> Box:
    """A part of the artwork shows what is on the opposite side of the pack, upside down."""
    box = _part(sheet, dice)
    opposite = Box(sheet.width - box.x1, sheet.height - box.y1, sheet.width - box.x0, sheet.height - box.y0)
    other = sheet.image.crop(_whole(opposite)).rotate(180).resize(sheet.image.crop(_whole(box)).size)
    sheet.image.paste(other.convert("RGB"), _whole(box)[:2])
    return box


def dent(sheet: Sheet, dice: random.Random) -> Box:
    """The card is pushed in."""
    reach = (0.16 * sheet.width, 0.11 * sheet.width)
    return Box(*wear.dent(sheet, _middle(sheet, dice), reach, dice.uniform(0, 180)))


def stain(sheet: Sheet, dice: random.Random) -> Box:
    """Tea is spilt on it."""
    return Box(*wear.stain(sheet, _middle(sheet, dice), 0.14 * sheet.width, dice.randrange(1 << 30)))


EDITS: dict[str, Callable[[Sheet, random.Random], Box] | None] = {
    "genuine": None,
    "text": retype,
    "missing": wipe,
    "extra": stick,
    "colour": recolour,
    "artwork": redraw,
    "dent": dent,
    "stain": stain,
}
"""Each changes a sheet and returns where, in its pixels."""


def _middle(sheet: Sheet, dice: random.Random) -> tuple[float, float]:
    return dice.uniform(0.3, 0.7) * sheet.width, dice.uniform(0.3, 0.7) * sheet.height


def _part(sheet: Sheet, dice: random.Random) -> Box:
    """A square that shows something."""
    side = dice.uniform(0.12, 0.22) * sheet.width
    best, most = Box(0, 0, side, side), -1.0
    for _ in range(40):
        x, y = dice.uniform(0.05, 0.95) * (sheet.width - side), dice.uniform(0.05, 0.95) * (sheet.height - side)
        box = Box(x, y, x + side, y + side)
        contrast = float(np.asarray(sheet.image.crop(_whole(box)).convert("L")).std())
        if contrast > most:
            best, most = box, contrast
        if contrast > 25:
            break
    return best


def _paper_and_ink(sheet: Sheet, box: Box) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The commonest colour of a part, and the one furthest from it."""
    colours = np.asarray(sheet.image.crop(_whole(box)).convert("RGB")).reshape(-1, 3).astype(np.float64)
    paper = np.median(colours, axis=0)
    ink = colours[np.abs(colours - paper).sum(axis=1).argmax()]
    return tuple(int(value) for value in paper), tuple(int(value) for value in ink)


def _whole(box: Box) -> tuple[int, int, int, int]:
    return int(box.x0), int(box.y0), int(box.x1), int(box.y1)


def official(sheet: Sheet) -> tuple[Pixels, float]:
    """The maker's picture, RGB, and how many of its pixels there are to one of the sheet."""
    scale = LONG / max(sheet.image.size)
    shown = sheet.image.resize((round(sheet.width * scale), round(sheet.height * scale)), Image.Resampling.LANCZOS)
    page = Image.new("RGBA", (shown.width + 2 * MARGIN, shown.height + 2 * MARGIN), (248, 248, 247, 255))
    page.alpha_composite(shown, (MARGIN, MARGIN))
    return np.asarray(page.convert("RGB")), scale


def photograph(sheet: Sheet, ground: Picture, dice: random.Random) -> tuple[Pixels, tuple[str, ...]]:
    """A customer's photo, RGB, and what lies over the pack in it: `thumb`, `glare`."""
    rng = np.random.default_rng(dice.randrange(1 << 30))
    corners = _corners(sheet, dice)
    wide, high = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    view = _pasted(ground, sheet, corners)
    down, across = np.mgrid[-1 : 1 : HIGH * 1j, -1 : 1 : WIDE * 1j]
    light = (
        1 + dice.uniform(-0.3, 0.3) * across + dice.uniform(-0.3, 0.3) * down + dice.uniform(-0.15, 0.15) * across**2
    )
    tint = np.array([dice.uniform(0.92, 1.08), 1, dice.uniform(0.85, 1.05)]) * dice.uniform(0.7, 1.1)
    view = view * light[..., None] * tint
    over = []
    if dice.random() < 0.35:
        over.append("thumb")
        for _ in range(dice.choice([1, 3])):
            x, y = dice.choice([corners[[0, 3]], corners[[1, 2]]]).mean(axis=0)
            finger = np.zeros((HIGH, WIDE), np.float32)
            middle, axes = (int(x), int(y + dice.uniform(-0.3, 0.3) * high)), (int(0.16 * wide), int(0.07 * wide))
            cv2.ellipse(finger, middle, axes, dice.uniform(-20, 20), 0, 360, 1, -1)
            skin = 1 + 0.05 * rng.standard_normal((HIGH, WIDE, 1))
            skin = np.array([205, 160, 130]) * dice.uniform(0.6, 1.1) * skin
            view = _over(view, skin, cv2.GaussianBlur(finger, (0, 0), 2))
    if dice.random() < 0.25:
        over.append("glare")
        x, y = corners.mean(axis=0) + np.array([dice.uniform(-0.3, 0.3) * wide, dice.uniform(-0.3, 0.3) * high])
        down, across = np.mgrid[0:HIGH, 0:WIDE]
        lamp = 1.1 * np.exp(-(((across - x) / (0.12 * wide)) ** 2) - ((down - y) / (0.08 * wide)) ** 2)
        view = _over(view, np.full(3, 255.0), lamp.clip(0, 1))
    view = cv2.GaussianBlur(view, (0, 0), dice.uniform(0.4, 1.8))
    view = (view + rng.standard_normal(view.shape) * dice.uniform(1, 5)).clip(0, 255)
    file = io.BytesIO()
    Image.fromarray(view.astype(np.uint8)).save(file, "JPEG", quality=dice.choice([70, 85, 92]))
    return np.asarray(Image.open(file)), tuple(over)


def _corners(sheet: Sheet, dice: random.Random) -> Picture:
    """Where a sheet's corners lie in the photo, `(4, 2)`, clockwise from its top left: tilted and turned."""
    scale = min(dice.uniform(0.4, 0.62) * WIDE / sheet.width, 0.9 * WIDE / sheet.height)
    wide, high = sheet.width * scale, sheet.height * scale
    x = dice.uniform(0.05 * WIDE, max(0.95 * WIDE - wide, 0.06 * WIDE))
    y = dice.uniform(0.03 * WIDE, max(HIGH - high, 0.04 * WIDE))
    most, angle = dice.uniform(0.02, 0.13) * wide, dice.uniform(-0.25, 0.25)
    upright = np.array([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)])
    tilted = upright + [(dice.uniform(-most, most), dice.uniform(-most, most)) for _ in range(4)]
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    middle = tilted.mean(axis=0)
    return np.asarray((tilted - middle) @ turn.T + middle, np.float32)


def _pasted(ground: Picture, sheet: Sheet, corners: Picture) -> Picture:
    # Shrunk first: the warp looks at four pixels only.
    scale = min(1.2 * float(np.linalg.norm(corners[1] - corners[0])) / sheet.width, 1.0)
    layer = np.asarray(sheet.image.resize((round(sheet.width * scale), round(sheet.height * scale))), np.float32)
    layer[..., :3] *= layer[..., 3:] / 255
    high, wide = layer.shape[:2]
    way = cv2.getPerspectiveTransform(np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32), corners)
    warped = np.asarray(cv2.warpPerspective(layer, way, (WIDE, HIGH)), np.float32)
    return np.asarray(ground * (1 - warped[..., 3:] / 255) + warped[..., :3], np.float32)


def _over(below: Picture, above: Picture, share: Picture) -> Picture:
    return np.asarray(below * (1 - share[..., None]) + above * share[..., None], np.float32)


def background(folder: Path | None, dice: random.Random) -> Picture:
    """Any photo of a folder, or a table, a wall or a cloth."""
    if folder is not None:
        file = dice.choice(sorted(folder.glob("*.jpg")))
        return np.asarray(Image.open(file).convert("RGB").resize((WIDE, HIGH), Image.Resampling.BICUBIC), np.float32)
    rng = np.random.default_rng(dice.randrange(1 << 30))
    tone = dice.uniform(120, 235)
    base = (tone, tone * dice.uniform(0.85, 1), tone * dice.uniform(0.7, 1))
    dark = (0.6 * base[0], 0.6 * base[1], 0.6 * base[2])
    grounds: list[Callable[[], Pixels]] = [
        lambda: textures.wood(rng, HIGH, WIDE, dark, base),
        lambda: textures.marble(rng, HIGH, WIDE),
        lambda: textures.linen(rng, HIGH, WIDE, base),
        lambda: textures.plaster(rng, HIGH, WIDE, base),
        lambda: textures.tiles(rng, HIGH, WIDE, base, dark, 7, 6),
    ]
    return np.asarray(dice.choice(grounds)()[..., :3], np.float32)


@dataclass(frozen=True)
class Result:
    """What became of one photo. `over`: what lies over the pack. `laid`: whether it could be laid on its reference.

    `truth`: the edited box in pixels of the reference, `None` where genuine. `scores`: by measure, larger where a
    photo looks edited. `ms`: from features to marks.
    """

    kind: str
    pack: str
    seed: int
    over: tuple[str, ...]
    laid: bool
    truth: Box | None
    marks: tuple[Marked, ...]
    scores: dict[str, float]
    ms: float

    def finds(self, box: Box) -> bool:
        """Whether a mark is of the edit."""
        if self.truth is None:
            return False
        x, y = box.centre
        inside = self.truth.x0 <= x <= self.truth.x1 and self.truth.y0 <= y <= self.truth.y1
        return inside or box.overlap(self.truth) > 0.2

    @property
    def found(self) -> bool:
        """Whether any mark is of the edit."""
        return any(self.finds(box) for _, box, _ in self.marks)

    @property
    def false(self) -> list[Marked]:
        """Marks that are not."""
        return [mark for mark in self.marks if not self.finds(mark[1])]


def measure(task: tuple[str, int], backgrounds: Path | None) -> Result:
    """Make one photo, of a kind and a seed, and hold it against its official picture by every measure."""
    kind, seed = task
    cv2.setNumThreads(1)
    pack = list(PACKS)[seed % len(PACKS)]
    dice = random.Random(f"{seed} {pack} {kind}")
    sheet = PACKS[pack]()
    reference, scale = official(sheet)
    edit, truth = EDITS[kind], None
    if edit is not None:
        truth = Box(*(edge * scale + MARGIN for edge in edit(sheet, dice)))
    photo, over = photograph(sheet, background(backgrounds, dice), dice)
    there = extract(reference, *OFFICIAL)
    start = time.perf_counter()
    registration = register(extract(photo, *SEEN), there)
    flat: Flat | None = None
    marks: tuple[Marked, ...] = ()
    if registration is not None and len(registration) >= ENOUGH:
        flat = lay(photo, reference, registration.homography)
        marks = tuple((mark.kind, flat.there(mark.box), mark.strength) for mark in differences(flat).marks)
    ms = (time.perf_counter() - start) * 1000
    scores = {
        "strongest mark": max((strength for _, _, strength in marks), default=0.0),
        "aligned colour": colour_difference(flat) if flat else 0.0,
        "unaligned SSIM": -similarity(photo, reference),
    }
    return Result(kind, pack, seed, over, flat is not None, truth, marks, scores, ms)


def colour_difference(flat: Flat) -> float:
    """Mean absolute Lab difference of what is in view of the pack, the light evened."""
    rim = round(MARGIN / flat.to_reference)
    off = np.abs(lab(flat.photo) - lab(flat.reference))[rim:-rim, rim:-rim]
    return float(off[flat.seen[rim:-rim, rim:-rim]].mean())


def similarity(photo: Pixels, reference: Pixels) -> float:
    """SSIM of luma, the photo stretched to the reference's size. Source: Wang et al., IEEE TIP 2004."""
    stretched = cv2.resize(photo, reference.shape[1::-1], interpolation=cv2.INTER_AREA)
    one, other = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (stretched, reference))

    def mean(image: Picture) -> Picture:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5), np.float32)

    mean_one, mean_other = mean(one), mean(other)
    spread_one, spread_other = mean(one * one) - mean_one**2, mean(other * other) - mean_other**2
    shared = mean(one * other) - mean_one * mean_other
    least_mean, least_spread = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_one * mean_other + least_mean) * (2 * shared + least_spread)
    below = (mean_one**2 + mean_other**2 + least_mean) * (spread_one + spread_other + least_spread)
    return float((top / below).mean())


def auroc(edited: Sequence[float], genuine: Sequence[float]) -> float:
    """How often an edited photo scores higher than a genuine one, a tie counting half."""
    return float(0.5 + 0.5 * np.sign(np.subtract.outer(edited, genuine)).mean())


def show(results: Sequence[Result]) -> None:
    """Print what was found by kind, the AUROC of each measure, what was missed and what was marked without reason."""
    print(f"{'kind':9}{'photos':>7}{'found':>7}{'false marks a photo':>21}  marked as")
    for kind in EDITS:
        rows = [row for row in results if row.kind == kind]
        named = Counter(name for row in rows for name, box, _ in row.marks if row.finds(box))
        found = str(sum(row.found for row in rows)) if EDITS[kind] else ""
        false = sum(len(row.false) for row in rows) / len(rows)
        words = ", ".join(f"{count} {name}" for name, count in named.most_common())
        print(f"{kind:9}{len(rows):7}{found:>7}{false:21.2f}  {words}")
    edited, genuine = ([row for row in results if (row.truth is None) == plain] for plain in (False, True))
    print(f"\nfound: {sum(row.found for row in edited)} of {len(edited)} edits")
    print(f"without a mark: {sum(not row.marks for row in genuine)} of {len(genuine)} genuine photos")
    print(f"not laid on their reference: {sum(not row.laid for row in results)} of {len(results)} photos")
    print(f"took: {statistics.median(row.ms for row in results):.0f} ms a photo (median, one core)")
    print("\nedited or genuine, AUROC")
    for name in results[0].scores:
        print(f"  {name:15} {auroc([row.scores[name] for row in edited], [row.scores[name] for row in genuine]):.3f}")
    print("\nmissed, and false marks: box in pixels of the reference, strength in thresholds")
    for row in results:
        where = f"  {row.kind:8} {row.pack:9}{row.seed:4}"
        over = f"  ({' and '.join(row.over)} in the photo)" if row.over else ""
        if row.truth is not None and not row.found:
            print(f"{where}  missed {_written(row.truth)}{over}")
        for name, box, strength in row.false:
            print(f"{where}  false {name} {_written(box)} strength {strength:.1f}{over}")


def _written(box: Box) -> str:
    return " ".join(f"{edge:.0f}" for edge in box)


def main() -> None:
    """Make the photos, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=12, help="how many of each kind")
    parser.add_argument("--seed", type=int, default=100, help="of the first photo of each kind; the next ones follow")
    parser.add_argument("--backgrounds", type=Path, help="a folder of .jpg photos; plain textures without")
    given = parser.parse_args()
    tasks = [(kind, seed) for kind in EDITS for seed in range(given.seed, given.seed + given.photos)]
    with ProcessPoolExecutor() as pool:
        show(list(pool.map(partial(measure, backgrounds=given.backgrounds), tasks)))


if __name__ == "__main__":
    main()
