"""Teach `tools/scripts.npz`: which script each stretch of a line of text looks like.

Lines are rendered here, from letters drawn at random (no words are learnt), with whatever fonts of the
lists below are installed; nothing is downloaded. Run `python benchmarks/train_scripts.py OUT.npz`;
about twenty minutes on one core. What it reaches is measured by `benchmarks/ocr.py`, on words and
sentences that are not used here.
"""

import argparse
import random
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from sightline.tools.scripts import HEIGHT, LOOKS, normalised

WIDTH = 256
"""Columns of a training line in pixels, at a height of 32."""

STRIDE = 4
"""Columns of a line that one answer of the network stands for."""

_FOLDERS = ("/usr/share/fonts/truetype/noto", "/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype")
_PLAIN = (
    "NotoSans-Regular NotoSans-Bold NotoSans-Italic NotoSans-BoldItalic NotoSerif-Regular NotoSerif-Bold "
    "NotoSerif-Italic NotoSansDisplay-Regular NotoSansDisplay-Bold NotoSerifDisplay-Bold DejaVuSans DejaVuSans-Bold "
    "DejaVuSansMono DejaVuSerif DejaVuSans-Oblique DejaVuSansCondensed-Bold DejaVuSansMono-Bold LiberationSans-Bold "
    "LiberationSans-Regular LiberationSerif-Italic LiberationSerif-Regular LiberationSansNarrow-Bold "
    "LiberationMono-Regular LiberationSans-Italic NotoMono-Regular"
)
_CJK = (
    "NotoSansCJK-Regular NotoSansCJK-Bold NotoSerifCJK-Regular NotoSerifCJK-Bold LXGWWenKai-Regular "
    "LXGWWenKai-Bold LXGWWenKaiMono-Regular"
)
_NOTO_CJK = "NotoSansCJK-Regular NotoSansCJK-Bold NotoSerifCJK-Regular NotoSerifCJK-Bold"


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

# What a stretch is called, the letters drawn, the fonts that hold them and how often it is drawn.
_ALPHABETS: tuple[tuple[str, str, str, float], ...] = (
    ("latin", "latin", f"{_PLAIN} {_CJK}", 14.0),
    ("digits", "digits", f"{_PLAIN} {_CJK}", 3.0),
    ("han", "han", _CJK, 4.0),
    ("han", "kana", _CJK, 3.0),
    ("hangul", "hangul", _NOTO_CJK, 3.0),
    ("cyrillic", "cyrillic", _PLAIN, 5.0),
    ("greek", "greek", _PLAIN, 4.0),
    (
        "arabic",
        "arabic",
        "NotoNaskhArabic-Regular NotoNaskhArabic-Bold NotoSansArabic-Regular NotoSansArabic-Bold "
        "NotoKufiArabic-Regular "
        "NotoKufiArabic-Bold DejaVuSans DejaVuSans-Bold NotoNastaliqUrdu-Regular",
        3.0,
    ),
    (
        "hebrew",
        "hebrew",
        "NotoSansHebrew-Regular NotoSansHebrew-Bold NotoSerifHebrew-Regular NotoSerifHebrew-Bold DejaVuSans "
        "LiberationSans-Bold "
        "LiberationSerif-Regular LiberationMono-Regular",
        3.0,
    ),
    (
        "devanagari",
        "devanagari",
        "NotoSansDevanagari-Regular NotoSansDevanagari-Bold NotoSerifDevanagari-Regular NotoSerifDevanagari-Bold",
        3.0,
    ),
    (
        "thai",
        "thai",
        "NotoSansThai-Regular NotoSansThai-Bold NotoSerifThai-Regular NotoSerifThai-Bold "
        "NotoLoopedThai-Regular NotoLoopedThai-Bold",
        3.0,
    ),
    *(
        ("other", name, f"NotoSans{font}-Regular NotoSans{font}-Bold NotoSerif{font}-Regular", 0.35)
        for name, font in (
            ("bengali", "Bengali"),
            ("tamil", "Tamil"),
            ("telugu", "Telugu"),
            ("gujarati", "Gujarati"),
            ("kannada", "Kannada"),
            ("malayalam", "Malayalam"),
            ("gurmukhi", "Gurmukhi"),
            ("sinhala", "Sinhala"),
            ("georgian", "Georgian"),
            ("armenian", "Armenian"),
            ("khmer", "Khmer"),
            ("lao", "Lao"),
            ("myanmar", "Myanmar"),
            ("ethiopic", "Ethiopic"),
        )
    ),
)

_PUNCTUATED = ("latin", "digits", "han", "hangul", "cyrillic", "greek")
"""Where the fonts are sure to hold punctuation: a font that does not draws a box instead."""

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


def _fonts() -> dict[str, Path]:
    found = {p.stem: p for folder in _FOLDERS for p in Path(folder).rglob("*.tt[cf]")}
    if "NotoSans-Regular" not in found or "NotoSansCJK-Regular" not in found:
        sys.exit("Needs the Noto fonts (Debian: fonts-noto, fonts-noto-cjk); found none under /usr/share/fonts.")
    return found


def _text_of(index: int, dice: random.Random) -> str:
    kind = _ALPHABETS[index][1]
    # Half of what is written has a foreign number or punctuation in it, and those stay what they are.
    return _word(kind, dice)


def line(fonts: dict[str, Path], dice: random.Random) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One rendered line: RGB `(h, w, 3)` and, for each column, the index in `LOOKS` of what is written there."""
    index = dice.choices(range(len(_ALPHABETS)), [a[3] for a in _ALPHABETS])[0]
    size = dice.choice((18, 24, 32, 40))
    paper = tuple(dice.randint(150, 255) for _ in range(3))
    ink = tuple(dice.randint(0, 90) for _ in range(3))
    if dice.random() < 0.35:
        paper, ink = ink, paper
    page = Image.new("RGB", (size * 40, size * 2), paper)
    pen = ImageDraw.Draw(page)
    pad = dice.randint(0, size // 3)
    x = float(pad)
    marks: list[tuple[int, int, int]] = []
    faces = [f for f in _ALPHABETS[index][2].split() if f in fonts]
    face = ImageFont.truetype(fonts[dice.choice(faces)], size)
    plain = ImageFont.truetype(fonts[dice.choice([f for f in f"{_PLAIN} {_CJK}".split() if f in fonts])], size)
    spaced = size * dice.uniform(0.05, 0.35) if index < 2 and dice.random() < 0.2 else 0.0
    mixed = dice.random()
    for _ in range(dice.randint(1, 5)):
        kind, used = index, face
        if dice.random() < (0.25 if mixed < 0.6 else 0.0):
            kind, used = 1, plain
        elif mixed > 0.92:
            kind, used = 0, plain
        text = _text_of(kind, dice)
        if dice.random() < 0.2 and _ALPHABETS[kind][0] in _PUNCTUATED:
            text += dice.choice("，。：、（）" if _ALPHABETS[kind][0] == "han" else ",.:;!-)%")
        wide = pen.textlength(text, font=used) + spaced * len(text)
        if x + wide > page.width - size:
            break
        at = x
        for part in text if spaced else [text]:
            pen.text((at, size * 0.3), part, font=used, fill=ink)
            at += pen.textlength(part, font=used) + spaced
        marks.append((int(x), int(x + wide), LOOKS.index(_ALPHABETS[kind][0])))
        x += wide + (size * dice.uniform(0.2, 0.6) if kind not in (2, 3) or dice.random() < 0.3 else 0)
    pixels = np.asarray(page)
    inked = np.flatnonzero((pixels != np.array(paper, np.uint8)).any(axis=2).any(axis=1))
    if not len(inked):
        return line(fonts, dice)
    # The detector's boxes are loose by a fifth or so of the letters' height, and never quite the same.
    tall = int(inked[-1] - inked[0] + 1)
    top = max(0, int(inked[0] - dice.uniform(-0.03, 0.35) * tall))
    low = min(pixels.shape[0], int(inked[-1] + 1 + dice.uniform(-0.03, 0.35) * tall))
    wide_px = min(pixels.shape[1], int(x) + dice.randint(0, size // 2))
    crop = pixels[top:low, :wide_px].copy()
    named = np.zeros(wide_px, np.int64)
    for x0, x1, name in marks:
        named[x0:x1] = name
    return _worn(crop, dice), named


def _worn(pixels: NDArray[np.uint8], dice: random.Random) -> NDArray[np.uint8]:
    """What print, light, lens and compression do to a line."""
    h, w = pixels.shape[:2]
    if dice.random() < 0.5:
        lean = dice.uniform(-0.2, 0.2)
        rise = dice.uniform(-0.1, 0.1) * h / max(w, 1)
        paper = [int(v) for v in pixels[0, 0]]
        move = np.array([[1, lean, -lean * h / 2], [rise, 1, -rise * w / 2]], np.float32)
        pixels = np.asarray(cv2.warpAffine(pixels, move, (w, h), borderValue=paper), np.uint8)
    if dice.random() < 0.25:
        kernel = np.ones((2, 2), np.uint8)
        pixels = np.asarray(dice.choice((cv2.dilate, cv2.erode))(pixels, kernel), np.uint8)
    if dice.random() < 0.4:
        small = dice.uniform(0.35, 0.9) * 26 / h
        if small < 1:
            tiny = cv2.resize(pixels, (max(4, int(w * small)), max(4, int(h * small))), interpolation=cv2.INTER_AREA)
            pixels = np.asarray(cv2.resize(tiny, (w, h), interpolation=cv2.INTER_CUBIC), np.uint8)
    if dice.random() < 0.4:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), dice.uniform(0.4, 1.6) * h / 40), np.uint8)
    worn = pixels.astype(np.float32)
    if dice.random() < 0.4:
        worn *= np.linspace(dice.uniform(0.6, 1), dice.uniform(0.6, 1), w, dtype=np.float32)[None, :, None]
    if dice.random() < 0.5:
        worn += np.random.default_rng(dice.randint(0, 2**31)).normal(0, dice.uniform(1, 14), worn.shape)
    return np.asarray(worn.clip(0, 255), np.uint8)


def clutter(dice: random.Random) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """What detectors take for text now and then: stripes, edges, grain, shapes. Nothing is written there."""
    h, w = dice.randint(20, 60), dice.randint(30, 400)
    page = Image.new("RGB", (w, h), tuple(dice.randint(0, 255) for _ in range(3)))
    pen = ImageDraw.Draw(page)
    shapes = (pen.line, pen.ellipse, pen.rectangle)
    for _ in range(dice.randint(1, 12)):
        x, y = sorted(dice.randint(-10, w) for _ in range(2)), sorted(dice.randint(-10, h) for _ in range(2))
        colour = tuple(dice.randint(0, 255) for _ in range(3))
        dice.choice(shapes)((x[0], y[0], x[1], y[1]), fill=colour)
    return _worn(np.asarray(page), dice), np.zeros(w, np.int64)


def sample(fonts: dict[str, Path], dice: random.Random) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """One line as the network sees it, `(HEIGHT, WIDTH)`, a name for each of `WIDTH / STRIDE` answers (-1: none)."""
    pixels, named = clutter(dice) if dice.random() < 0.03 else line(fonts, dice)
    seen = normalised(pixels)[:, :WIDTH]
    stretch = seen.shape[1] / pixels.shape[1] if seen.shape[1] < WIDTH else HEIGHT / pixels.shape[0]
    shown = np.zeros((HEIGHT, WIDTH), np.float32)
    shown[:, : seen.shape[1]] = seen
    want = np.full(WIDTH // STRIDE, -1, np.int64)
    for i in range(len(want)):
        at = int((i + 0.5) * STRIDE / stretch)
        if at < len(named) and (i + 0.5) * STRIDE < seen.shape[1]:
            want[i] = named[at]
    return shown, want


class Net(nn.Module):
    """The network whose arithmetic `tools/scripts.py` repeats in numpy."""

    def __init__(self) -> None:
        super().__init__()
        shape = ((1, 16, 3, (2, 2)), (16, 24, 3, (2, 2)), (24, 40, 3, (2, 1)), (40, 56, 3, (2, 1)))
        self.body = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2) for a, b, k, s in shape)
        self.row = nn.Conv2d(56, 80, (2, 5), 1, (0, 2))
        self.far = nn.Conv2d(80, 80, (1, 7), 1, (0, 3))
        self.head = nn.Conv2d(80, len(LOOKS), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.body:
            x = torch.relu(conv(x))
        answer: torch.Tensor = self.head(torch.relu(self.far(torch.relu(self.row(x)))))
        return answer[:, :, 0]


def train(out: Path, lines: int, rounds: int, seed: int) -> None:
    """Render `lines` lines, go over them `rounds` times and write the weights."""
    torch.manual_seed(seed)
    dice, fonts = random.Random(seed), _fonts()
    made = [sample(fonts, dice) for _ in range(lines)]
    x = torch.from_numpy(np.stack([m[0] for m in made]))[:, None]
    y = torch.from_numpy(np.stack([m[1] for m in made]))
    net = Net()
    steps = rounds * (lines // 64)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(ignore_index=-1)
    for turn in range(rounds):
        total = 0.0
        for rows in torch.randperm(lines)[: lines // 64 * 64].view(-1, 64):
            optimiser.zero_grad()
            loss = loss_of(net(x[rows]), y[rows])
            loss.backward()
            optimiser.step()
            plan.step()
            total += loss.item()
        print(f"round {turn + 1}/{rounds}: loss {total / (lines // 64):.4f}", flush=True)
        np.savez_compressed(out, **{k: v.detach().numpy().astype(np.float16) for k, v in net.state_dict().items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lines", type=int, default=24000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    train(given.out, given.lines, given.rounds, given.seed)
