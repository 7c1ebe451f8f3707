"""Teach `tools/scripts.npz`: which script each stretch of a line of text looks like.

Lines are rendered here, from letters drawn at random (no words are learnt), with whatever fonts under
/usr/share/fonts hold them; nothing is downloaded. With `--photos DIR` (laid out as in its `photos.jsonl`),
part of them is drawn on patches of its `train` photos, and lines the engine reads there with certainty are
learnt from as well. Run `python benchmarks/train_scripts.py OUT.npz --photos DIR`; about an hour on two
cores. What it reaches is measured by `benchmarks/ocr.py`, on words, sentences and photos not used here.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from sightline.tools.photos import load, pixels
from sightline.tools.reader import RapidReader, cut
from sightline.tools.scripts import HEIGHT, LOOKS, normalised, script_of

WIDTH = 256
"""Columns of a training line in pixels, at a height of 32."""

STRIDE = 4
"""Columns of a line that one answer of the network stands for."""

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Drawn = tuple[Pixels, Labels]
"""A line, RGB `(h, w, 3)`, and for each column the index in `LOOKS` of what is written there."""


def _span(first: int, last: int, skip: str = "") -> str:
    return "".join(chr(c) for c in range(first, last + 1) if chr(c) not in skip)


def _encoded(codec: str, lead: range, trail: range) -> str:
    """Every character of a two-byte national standard: the ones that print uses."""
    pairs = (bytes((a, b)).decode(codec, "ignore") for a in lead for b in trail)
    return "".join(pairs)


_LATIN = "etaoinshrdlcumwfgypbvkjxqz" + "etaoinshrdlcu" * 2 + "etaoinsr" * 4
_ACCENTS = "éèêëàâäáåãçñöôóòøõüùúûíìïîßæœšžčřěůýłńśźżąęğışţăđ"
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ" + "оеаинтсрвлкмдпуяы" * 2 + "іїєґўљњћђџј"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψως" + "αοιετσνηυρπκμλ" * 2 + "άέήίόύώ" * 2
_ARABIC = _span(0x628, 0x63A) + _span(0x641, 0x64A) + "اااالللليييييممممننننررررووتتتتبببهه" + "پچژگ"
_HEBREW = _span(0x5D0, 0x5EA) + "ויהלאמרתבש" * 2
_HANGUL = _encoded("euc-kr", range(0xB0, 0xC9), range(0xA1, 0xFF))
_HAN = _encoded("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)) + _encoded("big5", range(0xA4, 0xC7), range(0x40, 0x7F))
_KANA = _span(0x3042, 0x3093) * 2 + _span(0x30A2, 0x30F3) + "ーーー"


_OTHERS = (
    "bengali", "tamil", "telugu", "gujarati", "kannada", "malayalam", "gurmukhi", "sinhala", "georgian",
    "armenian", "khmer", "lao", "myanmar", "ethiopic",
)  # fmt: skip

_KINDS: dict[str, tuple[str, float]] = {
    "latin": ("latin", 22.0), "digits": ("digits", 4.0), "han": ("han", 5.0), "kana": ("han", 3.5),
    "hangul": ("hangul", 3.0), "cyrillic": ("cyrillic", 5.0), "greek": ("greek", 4.0), "arabic": ("arabic", 3.0),
    "hebrew": ("hebrew", 3.0), "devanagari": ("devanagari", 3.0), "thai": ("thai", 3.0),
    **dict.fromkeys(_OTHERS, ("other", 0.35)),
}  # fmt: skip
"""What each kind of letters is called in `LOOKS`, and how often it is drawn."""

_PUNCTUATED = ("latin", "digits", "han", "hangul", "cyrillic", "greek")
"""Where punctuation is drawn with the letters."""

_INDIC = {
    "devanagari": 0x900,
    "bengali": 0x980,
    "gurmukhi": 0xA00,
    "gujarati": 0xA80,
    "tamil": 0xB80,
    "telugu": 0xC00,
    "kannada": 0xC80,
    "malayalam": 0xD00,
}
_RANGES = {
    "sinhala": (0xD9A, 0xDC6),
    "georgian": (0x10D0, 0x10F0),
    "armenian": (0x561, 0x586),
    "khmer": (0x1780, 0x17A2),
    "lao": (0xE94, 0xEAE),
    "myanmar": (0x1000, 0x1021),
    "ethiopic": (0x1208, 0x1357),
}


def _word(kind: str, dice: random.Random) -> str:
    """Letters of one word, as often as print has them and in no order that means anything."""
    if kind == "digits":
        shapes = (
            "2025-04-03",
            "500g",
            "1.5L",
            "03/04/25",
            "12:30",
            "¥9.90",
            "100%",
            "6901234567892",
            "+46 70 123",
            "(12)",
            "3,99",
        )
        text = dice.choice(shapes)
        return "".join(dice.choice("0123456789") if c.isdigit() else c for c in text)
    if kind in _INDIC:
        base = _INDIC[kind]
        # Offsets are shared by the Brahmic blocks of Unicode: consonants, then vowel signs.
        consonants = [
            c for c in (*range(0x15, 0x29), *range(0x2A, 0x31), 0x32, *range(0x35, 0x3A)) if chr(base + c).isalpha()
        ]
        signs = [0x3E, 0x3F, 0x40, 0x41, 0x42, 0x47, 0x48, 0x02]
        if kind not in ("tamil", "gujarati"):
            signs.append(0x4D)
        word = ""
        for _ in range(dice.randint(1, 5)):
            word += chr(base + dice.choice(consonants))
            if dice.random() < 0.6 and not word.endswith(chr(base + 0x4D)):
                word += chr(base + dice.choice(signs))
        return word.rstrip(chr(base + 0x4D))
    if kind == "thai":
        word = ""
        for _ in range(dice.randint(2, 7)):
            word += dice.choice("เแโใไ") if dice.random() < 0.2 else ""
            word += dice.choice("กขคงจชซญดตถทนบปผพฟมยรลวสหอ" + "กนมรอยลงวดทสค" * 2)
            if dice.random() < 0.45:
                word += dice.choice("ะาิีึืุูัำ")
            if dice.random() < 0.3:
                word += dice.choice("่้์")
        return word
    if kind in _RANGES:
        return "".join(dice.choice(_span(*_RANGES[kind])) for _ in range(dice.randint(2, 7)))
    letters = {
        "latin": _LATIN, "han": _HAN, "kana": _KANA, "hangul": _HANGUL, "cyrillic": _CYRILLIC, "greek": _GREEK,
        "arabic": _ARABIC, "hebrew": _HEBREW,
    }[kind]  # fmt: skip
    if kind == "latin" and dice.random() < 0.35:
        letters += _ACCENTS
    word = "".join(dice.choice(letters) for _ in range(dice.randint(1, 9)))
    if kind in ("latin", "cyrillic", "greek"):
        shape = dice.random()
        # Capitals of the three are half the same: a line of them says little, and Latin ones are the usual ones.
        word = (
            word.upper() if shape < (0.4 if kind == "latin" else 0.15) else word.capitalize() if shape < 0.55 else word
        )
        if kind == "greek" and word.isupper():
            word = word.translate(str.maketrans("ΆΈΉΊΌΎΏ", "ΑΕΗΙΟΥΩ"))
    return word


class Face(NamedTuple):
    """A font file and the characters it holds."""

    path: Path
    holds: frozenset[int]


@lru_cache(maxsize=1)
def _faces() -> dict[str, list[list[Face]]]:
    """For each kind the families that hold its letters; each is drawn as often, however many faces it has."""
    dice = random.Random(1)
    needed = {kind: {ord(c) for _ in range(60) for c in _word(kind, dice)} for kind in _KINDS}
    found: dict[str, dict[str, list[Face]]] = {kind: {} for kind in _KINDS}
    for path in sorted(Path("/usr/share/fonts").rglob("*.[to]t[cf]")):
        try:
            with TTFont(path, fontNumber=0, lazy=True) as font:
                holds = frozenset(font.getBestCmap() or ())
                family = " ".join((font["name"].getBestFamilyName() or path.stem).split()[:2])
        except (TTLibError, OSError, AttributeError, AssertionError):
            continue
        for kind, letters in needed.items():
            if len(letters & holds) > 0.7 * len(letters):
                found[kind].setdefault(family, []).append(Face(path, holds))
    if missing := [kind for kind, families in found.items() if not families]:
        sys.exit(f"No font under /usr/share/fonts holds {', '.join(missing)} (Debian: fonts-noto, fonts-noto-cjk).")
    # Nearly every font has numbers in it, most of them the same ones.
    found["digits"] = found["latin"]
    return {kind: list(families.values()) for kind, families in found.items()}


@lru_cache(maxsize=400)
def _font(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, _SIZE)


_SIZE = 40
"""Pixels of an em when letters are drawn, before they are worn down to what photos have."""


def line(dice: random.Random, backdrops: Sequence[Pixels]) -> Drawn:
    """One rendered line."""
    kind = dice.choices(list(_KINDS), [often for _, often in _KINDS.values()])[0]
    face, plain = (dice.choice(dice.choice(_faces()[k])) for k in (kind, dice.choice(("latin", "digits"))))
    page = Image.new("L", (_SIZE * 40, _SIZE * 4))
    pen = ImageDraw.Draw(page)
    x = first = dice.uniform(0.1, 0.6) * _SIZE
    base = _SIZE * 1.3
    marks: list[tuple[int, int, int]] = []
    spaced = _SIZE * dice.uniform(0.05, 0.5) if kind in ("latin", "digits", "han") and dice.random() < 0.2 else 0.0
    mixed = dice.random()
    for _ in range(dice.randint(1, 5)):
        drawn, used = kind, face
        if dice.random() < (0.25 if mixed < 0.6 else 0.0):
            drawn, used = "digits", plain
        elif mixed > 0.95:
            drawn, used = "latin", plain
        text = _word(drawn, dice)
        if dice.random() < 0.2 and drawn in _PUNCTUATED:
            text += dice.choice("，。：、（）" if drawn == "han" else ",.:;!-)%")
        if not all(ord(c) in used.holds for c in text):
            continue
        font = _font(used.path)
        wide = pen.textlength(text, font=font) + spaced * len(text)
        if x + wide > page.width - _SIZE:
            break
        at = x
        for part in text if spaced else [text]:
            pen.text((at, base), part, font=font, fill=255)
            at += pen.textlength(part, font=font) + spaced
        marks.append((int(x), int(x + wide), LOOKS.index(_KINDS[drawn][0])))
        x += wide + (_SIZE * dice.uniform(0.2, 0.6) if drawn not in ("han", "kana") or dice.random() < 0.3 else 0)
    ink = np.asarray(page)
    rows = np.flatnonzero((ink > 64).any(axis=1))
    if not len(rows):
        return line(dice, backdrops)
    top, low = int(rows[0]), int(rows[-1]) + 1
    tall = low - top
    if dice.random() < 0.3:  # the next line of the label reaches into the box
        beyond = _font(face.path)
        words = " ".join(w for w in (_word(kind, dice) for _ in range(4)) if all(ord(c) in face.holds for c in w))
        pen.text((first, base + dice.choice((-1, 1)) * tall * dice.uniform(1.1, 1.5)), words, font=beyond, fill=255)
    if dice.random() < 0.1:  # a rule or the edge of a panel
        y = dice.choice((top - dice.randint(2, 10), low + dice.randint(2, 10)))
        pen.line((0, y, page.width, y), fill=255, width=dice.randint(1, 5))
    ink = np.asarray(page)
    if dice.random() < 0.25:  # print on a round pack
        bow = np.sin(np.linspace(0, np.pi, int(x))) * dice.uniform(-0.4, 0.4) * tall
        across, down = np.meshgrid(np.arange(int(x), dtype=np.float32), np.arange(ink.shape[0], dtype=np.float32))
        ink = np.asarray(cv2.remap(ink, across, down + bow.astype(np.float32), cv2.INTER_LINEAR), np.uint8)
        top, low = max(0, top - max(0, int(bow.max()))), low - min(0, int(bow.min()))
    # The detector's boxes are loose by a fifth or so of the letters' height, and never quite the same.
    top = max(0, int(top - dice.uniform(-0.03, 0.35) * tall))
    low = min(ink.shape[0], int(low + dice.uniform(-0.03, 0.35) * tall))
    left = int(first * dice.uniform(0, 1))
    right = max(left + 12, min(ink.shape[1], int(x) + dice.randint(-4, _SIZE // 2)))
    ink = ink[top:low, left:right]
    named = np.zeros(ink.shape[1], np.int64)
    for x0, x1, name in marks:
        named[max(0, x0 - left) : max(0, x1 - left)] = name
    return _worn(_printed(ink, dice, backdrops), dice), named


def _printed(ink: Pixels, dice: random.Random, backdrops: Sequence[Pixels]) -> Pixels:
    """Letters, `(h, w)`, 255 where there is ink, on paper or on a patch of a photo, RGB."""
    h, w = ink.shape
    paper = np.array([dice.randint(0, 255) for _ in range(3)], np.float32)
    if dice.random() < 0.4:
        paper = paper * 0.3 + 170
    ground = np.broadcast_to(paper, (h, w, 3)).copy()
    if backdrops and dice.random() < 0.5:
        patch = cv2.resize(dice.choice(backdrops), (w, h), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        # Letters are printed where they can be read: on the plainer side of what photos show.
        ground = patch.mean(axis=(0, 1)) + (patch - patch.mean(axis=(0, 1))) * dice.uniform(0.1, 0.9)
    for _ in range(20):
        colour = np.array([dice.randint(0, 255) for _ in range(3)], np.float32)
        if dice.random() < 0.4:
            colour[:] = dice.choice((dice.randint(0, 60), dice.randint(200, 255)))
        if abs(float((colour - ground.mean(axis=(0, 1))) @ np.array((0.299, 0.587, 0.114)))) > dice.uniform(30, 120):
            break
    covered = ink.astype(np.float32)[..., None] / 255
    return np.asarray((ground * (1 - covered) + colour * covered).clip(0, 255), np.uint8)


def _worn(pixels: Pixels, dice: random.Random) -> Pixels:
    """What print, light, lens and compression do to a line, at the same size."""
    h, w = pixels.shape[:2]
    if dice.random() < 0.4:
        lean = dice.uniform(-0.25, 0.25)
        rise = dice.uniform(-0.12, 0.12) * h / max(w, 1)
        move = np.array([[1, lean, -lean * h / 2], [rise, 1, -rise * w / 2]], np.float32)
        pixels = np.asarray(cv2.warpAffine(pixels, move, (w, h), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    if dice.random() < 0.25:
        kernel = np.ones((2, 2), np.uint8)
        pixels = np.asarray(dice.choice((cv2.dilate, cv2.erode))(pixels, kernel), np.uint8)
    worn: NDArray[Any] = pixels.astype(np.float32)
    if dice.random() < 0.4:
        worn *= np.linspace(dice.uniform(0.5, 1), dice.uniform(0.5, 1), w, dtype=np.float32)[None, :, None]
    # Photos hold a line in 10 to 60 rows, out of focus or moved by a fraction of its height.
    rows = min(h, round(10 * 6 ** (dice.random() ** 0.8)))
    columns = max(4, round(w * rows / h))
    worn = cv2.resize(worn, (columns, rows), interpolation=cv2.INTER_AREA)
    if dice.random() < 0.5:
        worn = cv2.GaussianBlur(worn, (0, 0), dice.uniform(0.3, 1.0) * max(1.0, rows / 24))
    if dice.random() < 0.15:
        reach = dice.randint(2, max(2, rows // 8))
        worn = cv2.blur(worn, (reach, 1) if dice.random() < 0.6 else (1, reach))
    if dice.random() < 0.5:
        worn = worn + np.random.default_rng(dice.randint(0, 2**31)).normal(0, dice.uniform(1, 10), worn.shape)
    small = np.asarray(worn.clip(0, 255), np.uint8)
    if dice.random() < 0.6:
        small = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, dice.randint(35, 95)))[1], 1), np.uint8
        )
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), np.uint8)


def clutter(dice: random.Random, backdrops: Sequence[Pixels]) -> Drawn:
    """What detectors take for text now and then: stripes, edges, grain, shapes. Nothing is written there."""
    if backdrops and dice.random() < 0.5:
        patch = dice.choice(backdrops)
        return patch, np.zeros(patch.shape[1], np.int64)
    h, w = dice.randint(20, 60), dice.randint(30, 400)
    page = Image.new("RGB", (w, h), tuple(dice.randint(0, 255) for _ in range(3)))
    pen = ImageDraw.Draw(page)
    shapes = (pen.line, pen.ellipse, pen.rectangle)
    for _ in range(dice.randint(1, 12)):
        x, y = sorted(dice.randint(-10, w) for _ in range(2)), sorted(dice.randint(-10, h) for _ in range(2))
        colour = tuple(dice.randint(0, 255) for _ in range(3))
        dice.choice(shapes)((x[0], y[0], x[1], y[1]), fill=colour)
    return _worn(np.asarray(page), dice), np.zeros(w, np.int64)


@lru_cache(maxsize=1)
def _reader() -> RapidReader:
    return RapidReader()


def photographed(path: Path) -> tuple[list[Drawn], list[Pixels]]:
    """Of one photo, the lines the engine reads with certainty, and patches in which it sees no text."""
    seen, dice = pixels(load(path)), random.Random(path.name)
    raw = _reader().read(seen)
    lines = []
    for text, score, corners in raw:
        letters = text.replace(" ", "")
        if score >= 0.95 and len(letters) > 1 and script_of(text) in ("latin", "digits"):
            crop = cut(seen, np.asarray(corners, np.float32))
            named = np.zeros(crop.shape[1], np.int64)
            for i, edge in enumerate(np.linspace(0, crop.shape[1], len(text) + 1)[:-1]):
                named[int(edge) :] = LOOKS.index(
                    "digits" if text[i].isdigit() else "latin" if text[i].isalpha() else LOOKS[0]
                )
            lines.append((crop, named))
    boxes = [np.asarray(corners) for _, _, corners in raw]
    patches = []
    for _ in range(24):
        h = dice.randint(14, 60)
        w = min(seen.shape[1] - 1, h * dice.randint(1, 7))
        x, y = dice.randint(0, seen.shape[1] - w), dice.randint(0, max(0, seen.shape[0] - h))
        if not any(
            b[:, 0].min() < x + w and b[:, 0].max() > x and b[:, 1].min() < y + h and b[:, 1].max() > y for b in boxes
        ):
            patches.append(seen[y : y + h, x : x + w])
    return lines, patches


def sample(
    dice: random.Random, real: Sequence[Drawn], backdrops: Sequence[Pixels]
) -> tuple[NDArray[np.float16], Labels]:
    """One line as the network sees it, `(HEIGHT, WIDTH)`, a name for each of `WIDTH / STRIDE` answers (-1: none)."""
    chance = dice.random()
    if chance < 0.05:
        pixels, named = clutter(dice, backdrops)
    elif real and chance < 0.2:
        pixels, named = dice.choice(real)
        if dice.random() < 0.4:
            pixels = _worn(pixels, dice)
    else:
        pixels, named = line(dice, backdrops)
    whole = normalised(pixels)
    # Long lines are seen from anywhere on.
    start = dice.randint(0, max(0, whole.shape[1] - WIDTH)) // STRIDE * STRIDE
    seen = whole[:, start : start + WIDTH]
    stretch = whole.shape[1] / pixels.shape[1]
    shown = np.zeros((HEIGHT, WIDTH), np.float16)
    shown[:, : seen.shape[1]] = seen
    want = np.full(WIDTH // STRIDE, -1, np.int64)
    for i in range(-(-seen.shape[1] // STRIDE)):
        at = int((start + (i + 0.5) * STRIDE) / stretch)
        if at < len(named):
            want[i] = named[at]
    return shown, want


def _samples(job: tuple[int, int, Sequence[Drawn], Sequence[Pixels]]) -> tuple[NDArray[np.float16], Labels]:
    seed, count, real, backdrops = job
    dice = random.Random(seed)
    made = [sample(dice, real, backdrops) for _ in range(count)]
    return np.stack([m[0] for m in made]), np.stack([m[1] for m in made])


class Net(nn.Module):
    """The network whose arithmetic `tools/scripts.py` repeats in numpy, with what helps to train it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "body0": _layer(1, 24, (3, 3), (2, 2)),
                "body1": _layer(24, 32, (3, 3), (2, 2)),
                "body2": _layer(32, 48, (3, 3), (2, 1)),
                "body3": _layer(48, 64, (3, 3), (2, 1)),
                "row": _layer(64, 96, (2, 5), (1, 1)),
                "far": _layer(96, 96, (1, 7), (1, 1)),
            }
        )
        self.head = nn.Conv2d(96, len(LOOKS), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers.values():
            x = layer(x)
        answer: torch.Tensor = self.head(x)
        return answer[:, :, 0]

    def weights(self) -> dict[str, NDArray[np.float16]]:
        """Plain convolutions, what normalises each folded into it, under the names `tools/scripts.py` reads."""
        assert self.head.bias is not None
        folded = {"head.weight": self.head.weight, "head.bias": self.head.bias}
        for name, layer in self.layers.items():
            conv, norm = layer.get_submodule("0"), layer.get_submodule("1")
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            folded[f"{name}.weight"] = conv.weight * scale[:, None, None, None]
            folded[f"{name}.bias"] = norm.bias - norm.running_mean * scale
        return {name: value.detach().numpy().astype(np.float16) for name, value in folded.items()}


def _layer(inside: int, out: int, kernel: tuple[int, int], stride: tuple[int, int]) -> nn.Sequential:
    # The kernel of two rows takes in both that are left of the line.
    pad = (0 if kernel[0] < 3 else 1, kernel[1] // 2)
    return nn.Sequential(nn.Conv2d(inside, out, kernel, stride, pad, bias=False), nn.BatchNorm2d(out), nn.ReLU())


def train(out: Path, photos: Path | None, lines: int, rounds: int, seed: int) -> None:
    """Render `lines` lines, go over them `rounds` times and write the weights."""
    torch.manual_seed(seed)
    real: list[Drawn] = []
    backdrops: list[Pixels] = []
    _faces()
    with ProcessPoolExecutor() as workers:
        if photos:
            rows = [json.loads(row) for row in (photos / "photos.jsonl").read_text("utf-8").splitlines()]
            chosen = [photos / row["image"] for row in rows if row["split"] == "train" and row["packaged"]]
            random.Random(seed).shuffle(chosen)
            for found, patches in workers.map(photographed, chosen[:500], chunksize=10):
                real += found
                backdrops += patches
            print(f"{len(chosen[:500])} photos: {len(real)} lines, {len(backdrops)} patches", flush=True)
        jobs = [(seed * 1000 + i, lines // 40, real, backdrops) for i in range(40)]
        made = list(workers.map(_samples, jobs))
    x = torch.from_numpy(np.concatenate([m[0] for m in made]))[:, None]
    y = torch.from_numpy(np.concatenate([m[1] for m in made]))
    print(f"{len(x)} lines", flush=True)
    net = Net()
    steps = len(x) // 64
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=rounds * steps)
    loss_of = nn.CrossEntropyLoss(ignore_index=-1)
    for turn in range(rounds):
        total = 0.0
        net.train()
        for batch in torch.randperm(len(x))[: steps * 64].view(-1, 64):
            optimiser.zero_grad()
            loss = loss_of(net(x[batch].float()), y[batch])
            loss.backward()
            optimiser.step()
            plan.step()
            total += loss.item()
        print(f"round {turn + 1}/{rounds}: loss {total / steps:.4f}", flush=True)
        net.eval()
        weights: dict[str, Any] = net.weights()
        np.savez_compressed(out, **weights)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="a folder with photos.jsonl, to learn from real print too")
    parser.add_argument("--lines", type=int, default=60000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    train(given.out, given.photos, given.lines, given.rounds, given.seed)
