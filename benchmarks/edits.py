"""What is edited: faces of packs, genuine or with one edit, seeded, and where that edit is.

Half of the faces are Chinese. Half are the fronts of the sample catalogue, half are labels made up for the seed: other
colours, words, layout and pictures each. An edit is one of nine: a word is another of about the same length in the same
face, one digit is another, the logo stands elsewhere or has another colour, a panel has another colour, the seal is
missing, the picture is another, the card is dented, something is spilt on it. `benchmarks/photographs.py` photographs
them.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sightline.examples.render import drawings, drawings_shop, wear
from sightline.examples.render.artwork import Mark, Sheet, script_of
from sightline.examples.render.packs_shop import Copy, Face, hologram, round_seal, strip_seal
from sightline.examples.render.scenes_shop import PACKS
from sightline.tools.types import Box

Pixels = NDArray[np.uint8]
Picture = NDArray[Any]  # RGB (h, w, 3) float32, 0..255
Script = Literal["han", "latin"]

KINDS = (
    "word", "number", "logo moved", "logo recoloured", "panel colour",
    "missing seal", "swapped picture", "dent", "stain",
)  # fmt: skip

READABLE = 0.02
"""Height of a line, as a share of the face's long side, from which on its words may be edited: 14 pixels of the photo
on average."""

_CHANGED = 24
"""Of 255, from which on a pixel of the face was edited."""

WORDS: dict[Script, tuple[str, ...]] = {
    "han": (
        "山楂", "红枣", "桂花", "菊花", "薄荷", "柠檬", "芝麻", "燕麦", "花生", "核桃", "蜂蜜", "生姜", "乌梅", "百合",
        "清香", "浓郁", "醇厚", "鲜爽", "酥脆", "柔滑", "天然", "手工", "古法", "精选", "低糖", "无盐", "高钙", "原味",
    ),
    "latin": (
        "ROAST", "HONEY", "LEMON", "BERRY", "PEACH", "OLIVE", "CREAM", "MINT", "PLUM", "SALT", "OATS", "RICE",
        "GINGER", "ALMOND", "WALNUT", "SESAME", "ORANGE", "CHERRY", "CLASSIC", "NATURAL", "ORGANIC", "VANILLA",
        "CARAMEL", "CRUNCHY", "ORIGINAL", "SPARKLING", "BREAKFAST", "BLACKCURRANT",
    ),
}  # fmt: skip

INKS = ("#8a2be2", "#1f6fb2", "#b3261e", "#1f7a4d", "#c9800d", "#2b2b2b", "#0d8c8c", "#b03a7a")
"""Colours that a person would tell apart."""


def kind_of(seed: int) -> str:
    """The edit of a seed: over 36 seeds each kind meets each script, on a pack and on a label."""
    return KINDS[seed % len(KINDS)]


@dataclass(frozen=True)
class Subject:
    """A face that can be drawn, again and with another `Copy`. `made_up`: a label of this seed's own."""

    name: str
    script: Script
    draw: Callable[[Copy], Face]
    made_up: bool


def subject(seed: int) -> Subject:
    """The face of a seed: every second one is Chinese, and of either script every second one is made up."""
    script: Script = "han" if seed % 2 == 0 else "latin"
    if seed // 2 % 2:
        return Subject(f"label {seed}", script, lambda copy: label(seed, script, copy), True)
    ours = [pack for pack in PACKS.values() if (pack.language == "zh") == (script == "han")]
    pack = ours[seed // 4 % len(ours)]
    return Subject(pack.sku, script, pack.front, False)


def label(seed: int, script: Script, copy: Copy) -> Face:
    """A label made up: its size, colours, layout, words, picture, logo, panel and seal are the seed's."""
    dice = random.Random(f"label {seed}")
    rng = np.random.default_rng(seed)
    wide, high = dice.choice([(1000, 1400), (1200, 1200), (1400, 950), (900, 1500)])
    dark, accent = dice.sample(["#6d2348", "#1f5a3a", "#24507a", "#8a4a10", "#3a3470", "#7a1f1f", "#2a2f36"], 2)
    paper = dice.choice(["#fbf6ea", "#f2f6f8", "#f6eef2", "#eef5ea", "#fdf0d8", "#e6e9f4"])
    night = dice.random() < 0.35
    ground, ink = (dark, "#fbf3e2") if night else (paper, dark)
    sheet = Sheet(wide, high, ground)
    pale = paper + "30" if night else accent + "26"
    if dice.random() < 0.6:
        drawings_shop.scatter(sheet, (0, 0, wide, high), dice.uniform(40, 80), pale, 120, rng)
    else:
        drawings.ridge(sheet, (0, high // 3, wide, high), (pale, pale, pale), rng)
    foot = round(0.76 * high)
    sheet.panel((0, foot, wide, high), accent)
    drawings.wave_border(sheet, foot - 40, 40, accent, 80)
    words = dice.sample(WORDS[script], 6) if script == "han" else dice.sample(WORDS[script][:26], 6)
    text = _Writing(sheet, script)
    logo = _logo(sheet, dice, accent if night else dark, copy)
    text.line(logo[2] + 26, 118, words[0] + ("堂" if script == "han" else " & CO"), "sans-bold", 0.05, ink, "ls")
    upright = wide < high
    middle, top = (wide // 2, 0.30 * high) if upright else (round(0.3 * wide), 0.44 * high)
    title = words[1] + words[2] if script == "han" else words[1]
    text.line(middle, top, title, dice.choice(["serif-bold", "sans-bold", "brush-bold"]), 0.11, ink, "ms")
    note = f"{words[3]} {words[4]}"
    text.line(middle, top + 0.08 * high, note, dice.choice(["sans", "serif", "brush"]), 0.042, ink, "ms")
    side = round(0.34 * wide) if upright else round(0.44 * high)
    at = (wide // 2, round(0.56 * high)) if upright else (round(0.72 * wide), round(0.48 * high))
    motif = (at[0] - side / 2, at[1] - side / 2, at[0] + side / 2, at[1] + side / 2)
    sheet.draw.ellipse(motif, paper, accent, 5)
    PICTURES[dice.choice(list(PICTURES))](sheet, at, round(0.8 * side))
    row = foot + 0.075 * high
    panel = (40, row - 0.05 * high, 40 + 0.36 * wide, row + 0.025 * high)
    sheet.panel(panel, dice.choice(["#f2c14e", "#fff1d6", "#d7e7ee", "#f3c7c0", "#cfe3c4"]), 24)
    claim = "不含" + words[5] if script == "han" else "NO " + words[5]
    text.line((panel[0] + panel[2]) / 2, row + 0.004 * high, claim, "sans-bold", 0.034, "#22272a", "ms")
    amount, pieces = dice.randrange(100, 980), dice.randrange(12, 96)
    text.line(
        wide - 40, row, f"净含量 {amount}克" if script == "han" else f"net {amount} g", "sans-bold", 0.04, paper, "rs"
    )
    text.line(
        wide - 40,
        row + 0.07 * high,
        f"{pieces}片" if script == "han" else f"{pieces} pcs",
        "sans-bold",
        0.055,
        paper,
        "rs",
    )
    listed = "、".join(words[:4]) if script == "han" else ", ".join(word.lower() for word in words[:3])
    text.line(40, row + 0.07 * high, ("配料：" if script == "han" else "Made of ") + listed, "sans", 0.026, paper, "ls")
    text.line(
        40,
        row + 0.125 * high,
        f"编号 {dice.randrange(1000, 9999)}" if script == "han" else f"style {dice.randrange(1000, 9999)}",
        "sans",
        0.028,
        paper,
        "ls",
    )
    seal = _seal(sheet, dice, script, copy)
    sheet.card_edge()
    return Face(sheet, {"logo": logo, "claim": panel, "motif": motif, "seal": seal})


class _Writing:
    """Lines on a sheet, sized by its long side, none wider than there is room for."""

    def __init__(self, sheet: Sheet, script: Script) -> None:
        self._sheet = sheet
        self._script = script

    def line(self, x: float, y: float, words: str, face: str, size: float, ink: str, anchor: str) -> None:
        from sightline.examples.render.fonts import font

        sheet = self._sheet
        room = {"l": sheet.width - x - 30, "m": 2 * min(x, sheet.width - x) - 60, "r": 0.5 * sheet.width}[anchor[0]]
        pixels = round(size * max(sheet.width, sheet.height))
        long = font(face, pixels).getlength(words)
        sheet.text((x, y), words, face, round(pixels * min(1, room / long)), ink, anchor)


def _logo(sheet: Sheet, dice: random.Random, colour: str, copy: Copy) -> tuple[float, float, float, float]:
    side = round(0.13 * max(sheet.width, sheet.height))
    logo = (44.0, 44.0, 44.0 + side, 44.0 + side)
    sheet.draw.ellipse(logo, copy.logo or colour, "#fdf0d0", 4)
    middle = (44 + side // 2, 44 + side // 2)
    if dice.random() < 0.5:
        drawings.sprig(sheet, middle, round(0.7 * side), ("#fdf0d0", "#f3d48a"))
    else:
        sheet.text(
            (middle[0], middle[1] + 0.17 * side), dice.choice("ABEFHKMRST"), "serif-bold", side // 2, "#fdf0d0", "ms"
        )
    return logo


def _seal(sheet: Sheet, dice: random.Random, script: Script, copy: Copy) -> tuple[float, float, float, float]:
    words = ("封签", "撕毁无效") if script == "han" else ("SEALED", "do not open")
    x = round(0.82 * sheet.width)
    if dice.random() < 0.5:
        place = (x - 100.0, 0.0, x + 100.0, 180.0)
        if copy.sealed:
            round_seal(sheet, (x, 70), 100, [(words[0], "sans-bold", 46)])
        return place
    if copy.sealed:
        foil = hologram(190, 190, dice.choice([(204, 214, 222), (216, 182, 104)]))
        strip_seal(sheet, (x - 95, 0), [(words[0], "sans-bold", 44), (words[1], "sans", 28)], foil, "#37505c")
    return x - 95.0, 0.0, x + 95.0, 190.0


PICTURES: dict[str, Callable[[Sheet, tuple[int, int], int], None]] = {
    "glass": lambda sheet, at, size: drawings_shop.glass(sheet, at, size, "#f7eedb", "#e7d8ba"),
    "latte": lambda sheet, at, size: drawings_shop.latte(sheet, at, size, "#2f6d63", "#b27a45"),
    "cocoa": lambda sheet, at, size: drawings_shop.cocoa(sheet, at, size, -18),
    "bramble": lambda sheet, at, size: drawings_shop.bramble(sheet, at, size, "#4a1c3a", "#8a3a66", "#4d7a4d"),
    "lemon": drawings_shop.lemon,
    "ginger": drawings_shop.ginger,
    "aloe": lambda sheet, at, size: drawings_shop.aloe(sheet, at, size, "#2f7048", "#79b583"),
    "honeycomb": lambda sheet, at, size: drawings_shop.honeycomb(
        sheet, at, size, "#a8690f", ("#e9a92c", "#f3c04d", "#d99420")
    ),
    "strawberry": drawings.strawberry,
    "biscuit": lambda sheet, at, size: drawings.biscuit(sheet, at, size // 2, np.random.default_rng(1)),
    "sprig": lambda sheet, at, size: drawings.sprig(sheet, at, size, ("#4d7a4d", "#7ba26b")),
}


def edited(who: Subject, plain: Face, kind: str, dice: random.Random) -> tuple[Sheet, Box]:
    """The face with one edit, and where it is, pixels of the sheet."""
    places = plain.places
    if kind == "word":
        face = _rewritten(who, *_other_word(plain.sheet, who.script, dice))
    elif kind == "number":
        face = _rewritten(who, *_other_digit(plain.sheet, dice))
    elif kind == "missing seal":
        face = who.draw(Copy(sealed=False))
    elif kind == "logo recoloured":
        was = _middle_colour(plain.sheet, places["logo"])
        face = who.draw(Copy(logo=dice.choice([ink for ink in INKS if _apart(ink, was) > 45])))
    else:
        face = who.draw(Copy())
        if kind in ("dent", "stain"):
            return face.sheet, _worn(face.sheet, kind, dice)
        _PAINTED[kind](face, dice)
    return face.sheet, _differ(plain.sheet, face.sheet)


def _differ(a: Sheet, b: Sheet) -> Box:
    """The hull of the pixels that differ."""
    one, other = (np.asarray(sheet.image.convert("RGB")).astype(np.int64) for sheet in (a, b))
    where = np.abs(one - other).max(axis=2) > _CHANGED
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def _lines(sheet: Sheet, fits: Callable[[str], bool]) -> list[Mark]:
    """The lines that are large enough to be read in a photo, and in which something fits to be edited."""
    least = READABLE * max(sheet.width, sheet.height)

    def height(mark: Mark) -> float:
        (x0, y0), _, (x1, y1), _ = mark.corners
        return x1 - x0 if mark.vertical else y1 - y0

    return [mark for mark in sheet.marks if mark.kind == "line" and height(mark) > least and fits(mark.name)]


def _pieces(text: str, script: Script) -> list[str]:
    """What of a line may be exchanged: words of a Latin one, pairs of characters of a Chinese one."""
    if script == "latin":
        return [word for word in text.split() if word.isalpha() and len(word) > 3]
    return [text[n : n + 2] for n in range(len(text) - 1) if script_of(text[n]) == script_of(text[n + 1]) == "han"]


def _other_word(sheet: Sheet, script: Script, dice: random.Random) -> tuple[str, str]:
    mark = dice.choice(_lines(sheet, lambda text: bool(_pieces(text, script))))
    word = dice.choice(_pieces(mark.name, script))
    close = [other for other in WORDS[script] if abs(len(other) - len(word)) < 2 and other != word.upper()]
    other = dice.choice(close or WORDS[script][-6:])
    other = other if word.isupper() else other.title() if word.istitle() else other.lower()
    return mark.name, mark.name.replace(word, other, 1)


def _other_digit(sheet: Sheet, dice: random.Random) -> tuple[str, str]:
    lines = _lines(sheet, lambda text: any(letter.isdigit() for letter in text))
    # The brochure's numbers in words are none, and a barcode's digits would no longer be its bars'.
    line = dice.choice([mark.name for mark in lines if sum(c.isdigit() for c in mark.name) < 12] or [lines[0].name])
    place = dice.choice([n for n, letter in enumerate(line) if letter.isdigit()])
    return line, line[:place] + dice.choice([d for d in "0123456789" if d != line[place]]) + line[place + 1 :]


def _rewritten(who: Subject, before: str, after: str) -> Face:
    """The face drawn again with one line saying something else, in its own typeface, size and place."""
    with _instead("text", before, after), _instead("column", before, after):
        return who.draw(Copy())


@contextmanager
def _instead(method: str, before: str, after: str) -> Iterator[None]:
    write = getattr(Sheet, method)

    def writing(sheet: Sheet, at: tuple[float, float], text: str, *more: Any, **named: Any) -> float:
        return float(write(sheet, at, after if text == before else text, *more, **named))

    with patch.object(Sheet, method, writing):
        yield


def _worn(sheet: Sheet, kind: str, dice: random.Random) -> Box:
    middle = dice.uniform(0.25, 0.75) * sheet.width, dice.uniform(0.25, 0.75) * sheet.height
    side = min(sheet.width, sheet.height)
    if kind == "stain":
        return Box(*wear.stain(sheet, middle, dice.uniform(0.09, 0.16) * side, dice.randrange(1 << 30)))
    reach = dice.uniform(0.12, 0.18) * side
    return Box(*wear.dent(sheet, middle, (reach, 0.7 * reach), dice.uniform(0, 180)))


def _move_logo(face: Face, dice: random.Random) -> None:
    """Cut out along its rim, what was under it filled in, and put down to its right or below."""
    sheet, (x0, y0, x1, y1) = face.sheet, face.places["logo"]
    side = round(x1 - x0)
    disc = Image.new("L", sheet.image.size, 0)
    ImageDraw.Draw(disc).ellipse((x0 - 2, y0 - 2, x1 + 2, y1 + 2), fill=255)
    colours = np.asarray(sheet.image.convert("RGB"))
    filled = cv2.inpaint(colours, cv2.dilate(np.asarray(disc), np.ones((7, 7), np.uint8)), 5, cv2.INPAINT_TELEA)
    to_x, to_y = dice.choice([(0.0, 0.6), (0.5, 0.5), (0.0, 1.0), (0.7, 0.2)])
    step = (round(to_x * side), round(to_y * side))
    ground = Image.fromarray(np.asarray(filled, np.uint8))
    ground.paste(sheet.image.convert("RGB"), step, disc)
    _repaint(sheet, ground)


def _recolour_panel(face: Face, dice: random.Random) -> None:
    """What has the panel's colour has another; its print stays."""
    sheet, place = face.sheet, face.places["claim"]
    was = _middle_colour(sheet, place)
    colour = dice.choice([c for c in (*INKS, "#f2c14e", "#d7e7ee", "#f3c7c0", "#9fd08a") if 30 < _apart(c, was) < 80])
    colours = np.asarray(sheet.image.convert("RGB")).astype(np.float64)
    rounded = Image.new("L", sheet.image.size, 0)
    ImageDraw.Draw(rounded).rounded_rectangle(place, min(36, (place[3] - place[1]) / 2), fill=255)
    share = np.clip(1.4 - np.abs(colours - was).max(axis=2) / 60, 0, 1) * (np.asarray(rounded) / 255)
    painted = colours * (1 - share[..., None]) + _rgb(colour) * share[..., None]
    _repaint(sheet, Image.fromarray(painted.astype(np.uint8)))


def _swap_picture(face: Face, dice: random.Random) -> None:
    """Another picture on a disc of plain paper in its place."""
    sheet, (x0, y0, x1, y1) = face.sheet, face.places["motif"]
    side = round(0.8 * min(x1 - x0, y1 - y0))
    at = (round((x0 + x1) / 2), round((y0 + y1) / 2))
    sheet.draw.ellipse((at[0] - side / 2, at[1] - side / 2, at[0] + side / 2, at[1] + side / 2), "#fbf6ea")
    PICTURES[dice.choice(list(PICTURES))](sheet, at, round(0.9 * side))


_PAINTED: dict[str, Callable[[Face, random.Random], None]] = {
    "logo moved": _move_logo,
    "panel colour": _recolour_panel,
    "swapped picture": _swap_picture,
}


def _repaint(sheet: Sheet, colours: Image.Image) -> None:
    colours.putalpha(sheet.image.getchannel("A"))
    sheet.image, sheet.draw = colours, ImageDraw.Draw(colours)


def _rgb(colour: str) -> Picture:
    return np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)], float)


def _middle_colour(sheet: Sheet, place: Sequence[float]) -> Picture:
    """The colour of most of a part of a sheet."""
    part = np.asarray(
        sheet.image.crop((int(place[0]), int(place[1]), int(place[2]), int(place[3]))).convert("RGB")
    ).reshape(-1, 3)
    steps, counts = np.unique(part // 12, axis=0, return_counts=True)
    return np.asarray(np.median(part[(part // 12 == steps[counts.argmax()]).all(axis=1)], axis=0), float)


def _apart(colour: str, other: Picture) -> float:
    """Lab difference (CIE76)."""
    both = np.array([[_rgb(colour), other]], np.float32) / 255
    one, two = cv2.cvtColor(both, cv2.COLOR_RGB2LAB)[0]
    return float(np.linalg.norm(one - two))
