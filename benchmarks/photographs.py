"""How a pack is photographed: its official picture, and a customer's photo of it, with the box of what was edited.

The photo is in perspective and uneven light, with a tint, blur, noise and JPEG; fingers, a price tag or a bar may be in
front, and a lamp shine on it; what was edited stays in view. What is edited is of `benchmarks/edits.py`. The same seed
gives the same bytes. To write a labelled set as `sightline eval` takes it:

    python benchmarks/photographs.py --out FOLDER --seeds 220-279
"""

import argparse
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sightline.benchmarks.edits import Picture, Pixels, Script, edited, kind_of, subject
from sightline.examples.render import textures
from sightline.examples.render.artwork import Sheet
from sightline.examples.render.packs_shop import Copy
from sightline.tools.types import Box

LONG, MARGIN = 900, 45
"""Long side of a face in its official picture, and the white around it, pixels."""

WIDE, HIGH = 1000, 1250
"""Pixels of a customer's photo."""

_HIDDEN = 0.1
"""Share of what was edited that what is in front, or a lamp, may cover."""


def official(sheet: Sheet) -> tuple[Pixels, float]:
    """The maker's picture, RGB, and how many of its pixels there are to one of the sheet."""
    scale = LONG / max(sheet.image.size)
    shown = sheet.image.resize((round(sheet.width * scale), round(sheet.height * scale)), Image.Resampling.LANCZOS)
    page = Image.new("RGBA", (shown.width + 2 * MARGIN, shown.height + 2 * MARGIN), (248, 248, 247, 255))
    page.alpha_composite(shown, (MARGIN, MARGIN))
    return np.asarray(page.convert("RGB")), scale


@dataclass(frozen=True)
class Shot:
    """A photo as JPEG, with what was edited (`None`: nothing) and where, in its pixels and in the official picture's.

    `over`: what is in front of the pack or shines on it.
    """

    seed: int
    kind: str | None
    script: Script
    made_up: bool
    jpeg: bytes
    box: Box | None
    there: Box | None
    over: tuple[str, ...]

    @property
    def pixels(self) -> Pixels:
        """RGB `(h, w, 3)`."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)))


def shoot(seed: int, kind: str | None, backgrounds: Path | None = None) -> tuple[Shot, Pixels]:
    """The photo of a seed and a kind of edit, and the official picture, RGB."""
    who = subject(seed)
    dice = random.Random(f"{seed} {kind}")
    plain = who.draw(Copy())
    reference, scale = official(plain.sheet)
    sheet, edit = (plain.sheet, None) if kind is None else edited(who, plain, kind, dice)
    ground = background(backgrounds, dice)
    corners = _corners(sheet, dice)
    box = None
    if edit is not None:
        box = Box.around((float(x), float(y)) for x, y in _laid(edit.corners, sheet, corners))
    jpeg, over = photograph(sheet, ground, corners, box, dice)
    there = None if edit is None else Box(*(edge * scale + MARGIN for edge in edit))
    return Shot(seed, kind, who.script, who.made_up, jpeg, box, there, over), reference


def photograph(
    sheet: Sheet, ground: Picture, corners: Picture, edit: Box | None, dice: random.Random
) -> tuple[bytes, tuple[str, ...]]:
    """A customer's photo, JPEG, and what lies over the pack in it: `thumb`, `tag`, `bar`, `glare`."""
    rng = np.random.default_rng(dice.randrange(1 << 30))
    view = _pasted(ground, sheet, corners)
    down, across = np.mgrid[-1 : 1 : HIGH * 1j, -1 : 1 : WIDE * 1j].astype(np.float32)
    light = (
        1 + dice.uniform(-0.3, 0.3) * across + dice.uniform(-0.3, 0.3) * down + dice.uniform(-0.15, 0.15) * across**2
    )
    tint = np.array([dice.uniform(0.92, 1.08), 1, dice.uniform(0.85, 1.05)], np.float32) * dice.uniform(0.7, 1.1)
    view = np.asarray(view * (light[..., None] * tint), np.float32)
    over = []
    for name, chance, draw in _IN_FRONT:
        if dice.random() >= chance:
            continue
        for _ in range(12):
            colour, share = draw(corners, dice)
            if _covered(share, edit) < _HIDDEN:
                over.append(name)
                view = _over(view, colour + rng.standard_normal((HIGH, WIDE, 1), np.float32) * 6, share)
                break
    view = cv2.GaussianBlur(view, (0, 0), dice.uniform(0.4, 1.8))
    view = (view + rng.standard_normal(view.shape, np.float32) * dice.uniform(1, 5)).clip(0, 255)
    file = io.BytesIO()
    Image.fromarray(view.astype(np.uint8)).save(file, "JPEG", quality=dice.choice([70, 85, 92]))
    return file.getvalue(), tuple(over)


def _covered(share: Picture, edit: Box | None) -> float:
    if edit is None:
        return 0.0
    part = share[max(int(edit.y0), 0) : int(edit.y1) + 1, max(int(edit.x0), 0) : int(edit.x1) + 1]
    return float((part > 0.25).mean())


def _thumb(corners: Picture, dice: random.Random) -> tuple[Picture, Picture]:
    """Fingers over the left or the right rim."""
    wide, high = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    share = np.zeros((HIGH, WIDE), np.float32)
    edge = corners[dice.choice([[0, 3], [1, 2]])].mean(axis=0)
    for _ in range(dice.choice([1, 3])):
        middle = (int(edge[0]), int(edge[1] + dice.uniform(-0.3, 0.3) * high))
        cv2.ellipse(share, middle, (int(0.16 * wide), int(0.07 * wide)), dice.uniform(-20, 20), 0, 360, 1, -1)
    return np.array([205, 160, 130]) * dice.uniform(0.6, 1.1), cv2.GaussianBlur(share, (0, 0), 2)


def _tag(corners: Picture, dice: random.Random) -> tuple[Picture, Picture]:
    """A shelf's price tag that stands in front of the lower rim."""
    wide = float(np.linalg.norm(corners[1] - corners[0]))
    at = corners[3] + (corners[2] - corners[3]) * dice.uniform(0.1, 0.9) + (0, 0.05 * wide)
    size = (dice.uniform(0.25, 0.4) * wide, dice.uniform(0.16, 0.24) * wide)
    quad = cv2.boxPoints(((float(at[0]), float(at[1])), size, dice.uniform(-6, 6)))
    share = np.zeros((HIGH, WIDE), np.float32)
    cv2.fillConvexPoly(share, quad.astype(np.int32), 1)
    colour = np.full((HIGH, WIDE, 3), dice.choice([(250, 235, 90), (240, 240, 238), (200, 40, 35)]), np.uint8)
    price = f"{dice.randrange(1, 99)}.{dice.randrange(10, 99)}"
    where = (int(at[0] - 0.3 * size[0]), int(at[1] + 0.2 * size[1]))
    cv2.putText(colour, price, where, cv2.FONT_HERSHEY_SIMPLEX, size[1] / 60, (20, 20, 20), max(int(size[1] / 16), 2))
    return colour, cv2.GaussianBlur(share, (0, 0), 1)


def _bar(corners: Picture, dice: random.Random) -> tuple[Picture, Picture]:
    """A rail or a cable across the whole photo, in front of a corner or an end of the pack."""
    wide = float(np.linalg.norm(corners[1] - corners[0]))
    middle = corners.mean(axis=0)
    end = corners[dice.randrange(4)]
    at = middle + (end - middle) * dice.uniform(0.55, 1.0)
    along = np.array([np.cos(turn), np.sin(turn)]) * 3000 if (turn := dice.uniform(0, np.pi)) else np.zeros(2)
    share = np.zeros((HIGH, WIDE), np.float32)
    a, b = (at - along).astype(int), (at + along).astype(int)
    cv2.line(share, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1, max(int(dice.uniform(0.03, 0.08) * wide), 3))
    return np.array(dice.choice([(60, 62, 66), (190, 192, 196), (30, 80, 150)]), float), cv2.GaussianBlur(
        share, (0, 0), 1.5
    )


def _glare(corners: Picture, dice: random.Random) -> tuple[Picture, Picture]:
    """A lamp's reflection."""
    wide, high = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    x, y = corners.mean(axis=0) + np.array([dice.uniform(-0.3, 0.3) * wide, dice.uniform(-0.3, 0.3) * high])
    down, across = np.mgrid[0:HIGH, 0:WIDE].astype(np.float32)
    lamp = 1.1 * np.exp(-(((across - x) / (0.12 * wide)) ** 2) - ((down - y) / (0.08 * wide)) ** 2)
    return np.full(3, 255.0), np.asarray(lamp.clip(0, 1), np.float32)


_IN_FRONT: tuple[tuple[str, float, Callable[[Picture, random.Random], tuple[Picture, Picture]]], ...] = (
    ("thumb", 0.3, _thumb),
    ("tag", 0.12, _tag),
    ("bar", 0.12, _bar),
    ("glare", 0.2, _glare),
)
"""What may be in front, how often, and how it is drawn: its colour and its share of each pixel."""


def _corners(sheet: Sheet, dice: random.Random) -> Picture:
    """Where a sheet's corners lie in the photo, `(4, 2)`, clockwise from its top left: tilted and turned."""
    scale = min(dice.uniform(0.48, 0.75) * WIDE / sheet.width, 0.9 * WIDE / sheet.height)
    scale = max(scale, 0.7 * WIDE / max(sheet.width, sheet.height))
    wide, high = sheet.width * scale, sheet.height * scale
    x = dice.uniform(0.05 * WIDE, max(0.95 * WIDE - wide, 0.06 * WIDE))
    y = dice.uniform(0.03 * WIDE, max(HIGH - high, 0.04 * WIDE))
    most, angle = dice.uniform(0.02, 0.13) * wide, dice.uniform(-0.25, 0.25)
    upright = np.array([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)])
    tilted = upright + [(dice.uniform(-most, most), dice.uniform(-most, most)) for _ in range(4)]
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    middle = tilted.mean(axis=0)
    turned = (tilted - middle) @ turn.T + middle
    # Wholly in the picture: what is cut off cannot be found.
    low, far = turned.min(axis=0), turned.max(axis=0)
    inside = np.maximum(8 - low, 0) - np.maximum(far - (WIDE - 8, HIGH - 8), 0)
    return np.asarray(turned + inside, np.float32)


def _laid(points: Sequence[tuple[float, float]], sheet: Sheet, corners: Picture) -> Picture:
    high, wide = sheet.height, sheet.width
    way = cv2.getPerspectiveTransform(np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32), corners)
    return np.asarray(cv2.perspectiveTransform(np.array([points], np.float32), way)[0])


def _pasted(ground: Picture, sheet: Sheet, corners: Picture) -> Picture:
    # Shrunk first: the warp looks at four pixels only.
    scale = min(1.2 * float(np.linalg.norm(corners[1] - corners[0])) / sheet.width, 1.0)
    layer = np.asarray(sheet.image.resize((round(sheet.width * scale), round(sheet.height * scale))), np.float32).copy()
    layer[..., :3] *= layer[..., 3:] / 255
    high, wide = layer.shape[:2]
    way = cv2.getPerspectiveTransform(np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32), corners)
    warped = np.asarray(cv2.warpPerspective(layer, way, (WIDE, HIGH)), np.float32)
    return np.asarray(ground * (1 - warped[..., 3:] / 255) + warped[..., :3], np.float32)


def _over(below: Picture, above: Picture, share: Picture) -> Picture:
    return below + (np.asarray(above, np.float32) - below) * share[..., None]


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


def seeds(text: str) -> range:
    """`220-279` as seeds."""
    first, dash, last = text.partition("-")
    if not (first.isdigit() and (last.isdigit() or not dash)):
        raise argparse.ArgumentTypeError(f"expected FIRST-LAST; got {text!r}. Try 220-279")
    return range(int(first), int(last or first) + 1)


def write(folder: Path, numbers: range, backgrounds: Path | None) -> int:
    """Write a labelled set, for each seed a genuine photo and one with an edit; returns the number of photos."""
    (folder / "official").mkdir(parents=True, exist_ok=True)
    (folder / "photos").mkdir(exist_ok=True)
    products, photos = {}, []
    for seed in numbers:
        sku = subject(seed).name.replace(" ", "-").upper()
        for kind in (None, kind_of(seed)):
            shot, reference = shoot(seed, kind, backgrounds)
            image = f"official/{sku}.png"
            if sku not in products:
                Image.fromarray(reference).save(folder / image)
                products[sku] = {"sku": sku, "title": sku, "image": image}
            name = f"photos/{seed:04d}-{(kind or 'genuine').replace(' ', '-')}.jpg"
            (folder / name).write_bytes(shot.jpeg)
            edit = None if kind is None or shot.box is None else {"kind": kind, "box": [round(x, 1) for x in shot.box]}
            photos.append({"image": name, "sku": sku, "script": shot.script, "edit": edit})
    for file, rows in (("catalogue.jsonl", list(products.values())), ("photos.jsonl", photos)):
        (folder / file).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return len(photos)


def main() -> None:
    """Write a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seeds", type=seeds, default=seeds("220-279"), help="FIRST-LAST, two photos each")
    parser.add_argument("--backgrounds", type=Path, help="a folder of .jpg photos; plain textures without")
    given = parser.parse_args()
    print(f"{write(given.out, given.seeds, given.backgrounds)} photos in {given.out}")


if __name__ == "__main__":
    main()
