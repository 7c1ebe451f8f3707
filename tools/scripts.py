"""Which script a line is written in, and whether the OCR engine was made for it.

Two witnesses. What the engine says is looked at first: it can only write the characters it knows, and
what it makes of other scripts is thin, or mixed, or Greek. How the line looks is looked at by a small
network that names the script of each stretch of a line from its pixels alone, trained on rendered
letters and on shop photos (`benchmarks/train_scripts.py`, weights in `scripts.npz`, measured by
`benchmarks/ocr.py`).
The network never says what is written, only whether the engine can be believed.
"""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .types import Script

Floats = NDArray[np.float32]

HEIGHT = 32
"""Rows in pixels of a line as the network sees it."""

LOOKS = (
    "nothing", "latin", "digits", "han", "hangul", "cyrillic",
    "greek", "arabic", "hebrew", "devanagari", "thai", "other",
)  # fmt: skip
"""What a stretch of a line may look like; `han` includes kana, `other` is every script not named."""

SUPPORTED = frozenset({"latin", "digits", "han", "kana"})
"""What the PP-OCRv6 small recogniser was made for. Source: the character list in its ONNX metadata, which
has Latin, Han and kana, no letter of any other script but unaccented Greek, and that for formulas."""

_FOREIGN = frozenset(LOOKS) - SUPPORTED - {"nothing"}

_LONGEST = 1600
"""Columns of a line looked at: beyond, its script has long been seen."""


_SHAPES: dict[Script, frozenset[str]] = {
    "cyrillic": frozenset("ABCEHIJKMOPSTXYaceijopsxy"),
    "greek": frozenset("ABEZHIKMNOPTYXov"),
}
"""Latin letters that look like letters of these scripts. Source: Unicode, confusables.txt."""


Status = Literal["read", "doubtful", "unreadable"]

_NAMES: dict[str, Script] = {name: name for name in get_args(Script)}

# All thresholds below were chosen on the lines of `benchmarks/ocr.py`, clean and printed on shop photos of
# the `train` split, and on the lines the engine found on shop photos of the `val` split.
_SEEN = 0.2
"""Below this share of a line, unsupported script may be an error of the network: noise, or a worn edge."""

_FOREIGN_AT = 0.45
"""Above this share of unsupported script a line is not believed, where the engine is not sure of it."""

_FOREIGN_SURELY = 0.6
"""The same, where it is. Of a line longer than `_SHORT` its numbers are left out: they belong to no script."""

_FOREIGN_MOSTLY = 0.8
"""The same of what is no number in a line up to `_SHORT`, where `_FOREIGN_AT` of all of it looks so; and the
share of Korean in what the engine says is Han."""

_FOREIGN_SHORT = 0.9
"""The same of such a line where the engine is `_SURE`: EXP could be Greek or Russian by its looks alone."""

_MUCH = 0.33
"""Above this share a line the engine is not `_SURE` of is shown and marked: of lines of shop photos in Latin
letters and numbers, to which it gave 0.8 to `_SURE`, 8 in 100."""

_THIN = 1.8
"""A line is this many times as wide as its characters need where some were lost: fewer than one in a
hundred of those that the engine is sure of and that have none missing."""

_CONFIDENT = 0.9
"""At this mean probability the engine outweighs the network unless most of the line looks foreign."""

_SURE = 0.97
"""At this mean probability the engine is seldom wrong about lines in scripts it was made for."""

_SURE_HAN = 0.95
"""At this mean probability Han and kana are what is written, unless nearly all of it looks Korean."""

_SHORT = 5
"""Characters up to which a line is too short to tell much from how it looks: 7 UP looks like anything."""

_WRITTEN = 0.15
"""Where less than this share of a box looks written, and the engine read nothing, nothing is written."""

_DOUBTFUL = 0.8
"""Lines below this mean probability are shown and marked, and give no facts."""

_NOISE = 0.5
"""Below this mean probability, what the engine says is no better than nothing. It is RapidOCR's own limit."""


class Look(NamedTuple):
    """How a line looks: shares of its written stretches by script, and how much of it is written at all."""

    shares: dict[str, float]
    written: float

    @property
    def foreign(self) -> float:
        """The share of all unsupported scripts together."""
        return sum(self.shares[name] for name in _FOREIGN)

    @property
    def script(self) -> Script:
        """The one unsupported script that most of what is no number looks like, else `unknown`."""
        name = max(_FOREIGN, key=lambda name: self.shares[name])
        letters = 1.0 - self.shares["digits"]
        prevails = self.shares[name] > max(_SEEN, letters / 2)
        return _NAMES.get(name, "unknown") if prevails else "unknown"


def script_of(text: str) -> Script:
    """The script most letters of `text` are in; `kana` as soon as there is any, `digits` without letters."""
    counts: dict[Script, int] = {}
    for character in unicodedata.normalize("NFKC", text):
        found = _script_of_character(character)
        if found is not None:
            counts[found] = counts.get(found, 0) + 1
    if not counts:
        return "digits" if any(c.isdigit() for c in text) else "unknown"
    if "kana" in counts and "han" in counts:
        return "kana"
    return max(counts, key=lambda name: counts[name])


_BLOCKS: tuple[tuple[int, int, Script], ...] = (
    (0x0041, 0x024F, "latin"),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x077F, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0E00, 0x0E7F, "thai"),
    (0x1100, 0x11FF, "hangul"),
    (0x1E00, 0x1EFF, "latin"),
    (0x1F00, 0x1FFF, "greek"),
    (0x3005, 0x3007, "han"),
    (0x3040, 0x30FF, "kana"),
    (0x3400, 0x9FFF, "han"),
    (0xAC00, 0xD7AF, "hangul"),
    (0xF900, 0xFAFF, "han"),
    (0x20000, 0x3134F, "han"),
)
"""First and last code point of what we tell apart. Source: Unicode, Blocks.txt."""


def _script_of_character(character: str) -> Script | None:
    if not character.isalpha():
        return None
    code = ord(character)
    return next((name for first, last, name in _BLOCKS if first <= code <= last), "unknown")


def look(pixels: NDArray[np.uint8]) -> Look:
    """How an upright line crop, RGB `(h, w, 3)`, looks, from its pixels alone."""
    sharp = _answers(normalised(pixels)[:, :_LONGEST])
    written = sharp[:, 1:].sum(axis=1)
    total = float(written.sum())
    shares = sharp[:, 1:].sum(axis=0) / max(total, 1e-6)
    return Look(dict(zip(LOOKS[1:], map(float, shares), strict=True)), total / len(sharp))


def normalised(pixels: NDArray[np.uint8]) -> Floats:
    """Grey, `HEIGHT` rows, ink positive: `(HEIGHT, w)`, zero mean and unit spread."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    width = max(8, round(grey.shape[1] * HEIGHT / grey.shape[0]))
    shrink = cv2.INTER_AREA if grey.shape[0] > HEIGHT else cv2.INTER_CUBIC
    small = cv2.resize(grey, (width, HEIGHT), interpolation=shrink).astype(np.float32)
    # Paper is the more frequent side of the middle between dark and light.
    dark, light = np.percentile(small, (2, 98))
    ink = (light + dark) / 2 - small
    if (ink > 0).mean() > 0.5:
        ink = -ink
    ink = ink - ink.mean()
    return np.asarray(ink / max(float(ink.std()), 1e-3), np.float32)


def judge(text: str, score: float, crop: NDArray[np.uint8]) -> tuple[Status, Script] | None:
    """What to think of a line: its status and the script it is in; `None` where nothing is written at all.

    `crop` is the line upright, RGB `(h, w, 3)`; `text` and `score` are what the engine says of it.
    """
    seen = look(crop)
    if not text:
        return None if seen.written < _WRITTEN else ("unreadable", seen.script)
    said = script_of(text)
    if said == "greek" or any(_is_half_greek(word) for word in re.findall(r"[^\W\d_]{3,}", text)):
        return "unreadable", "greek" if said == "greek" and seen.script == "unknown" else seen.script
    if _looks_foreign(text, score, said, crop.shape[1] / crop.shape[0], seen):
        return "unreadable", seen.script
    if score < _NOISE:
        return "unreadable", "unknown"
    marked = score < _DOUBTFUL or (seen.foreign > _MUCH and score < _SURE)
    return "doubtful" if marked else "read", said


def could_be(text: str, script: Script) -> bool:
    """Whether every letter of `text` is also the shape of one of this script: CMETAHA is Latin, or Russian."""
    shapes = _SHAPES.get(script, frozenset())
    return all(c in shapes for c in text if c.isalpha())


def _looks_foreign(text: str, score: float, said: Script, aspect: float, seen: Look) -> bool:
    """Whether a line, `aspect` times as wide as high, is in a script the engine was not made for.

    How much of it must look so depends on how believable the engine is.
    """
    # What the engine makes of letters it does not know is Latin and digits; only Korean comes out as Han.
    if said in ("han", "kana") and score >= _SURE_HAN:
        return seen.shares["hangul"] > _FOREIGN_MOSTLY
    letters = [c for c in text if not c.isspace()]
    thin = aspect > _THIN * _expected_width(text)
    same = len(letters) > 3 and max(map(letters.count, letters)) > 0.7 * len(letters)
    wordless = said in ("digits", "unknown") and len(letters) > _SHORT
    if thin or same or wordless:
        return seen.foreign > _SEEN
    sure = score >= _CONFIDENT
    if not sure and seen.foreign > _FOREIGN_AT:
        return True
    # Numbers belong to no script: of what else is there, how much is foreign?
    of_letters = seen.foreign / max(1.0 - seen.shares["digits"], 1e-6)
    if len(letters) > _SHORT:
        return of_letters > _FOREIGN_SURELY and seen.foreign > (_MUCH if sure else _SEEN)
    if score >= _SURE:
        return of_letters > _FOREIGN_SHORT and seen.foreign > _FOREIGN_AT
    mostly = said != "digits" and of_letters > _FOREIGN_MOSTLY and seen.foreign > _FOREIGN_AT
    return mostly or seen.foreign > _FOREIGN_SURELY


def _is_half_greek(word: str) -> bool:
    """Whether a word is Greek with Latin look-alikes: the engine has some Greek letters, for formulas."""
    greek = sum(_script_of_character(c) == "greek" for c in word)
    return greek > 0 and len(word) > 2


def _expected_width(text: str) -> float:
    """How wide a line of this text is in its heights, boxed as loosely as the detector does.

    Measured: 0.42 a Latin letter or digit, 0.8 a Han character or kana, 0.5 for the box's two ends.
    """
    return 0.5 + sum(0.25 if c.isspace() else 0.8 if ord(c) > 0x2E80 else 0.42 for c in text)


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    with (files(__package__) / "scripts.npz").open("rb") as stored, np.load(stored) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _answers(line: Floats) -> Floats:
    """Probabilities `(columns / 4, len(LOOKS))` for a line `(HEIGHT, columns)`, in plain numpy."""
    w = _weights()
    x = line[None]
    for i, stride in enumerate(((2, 2), (2, 2), (2, 1), (2, 1))):
        x = np.maximum(_conv(x, w[f"body{i}.weight"], w[f"body{i}.bias"], (1, 1), stride), 0)
    x = np.maximum(_conv(x, w["row.weight"], w["row.bias"], (0, 2)), 0)
    x = np.maximum(_conv(x, w["far.weight"], w["far.bias"], (0, 3)), 0)
    x = _conv(x, w["head.weight"], w["head.bias"], (0, 0))[:, 0].T
    raised = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _conv(x: Floats, weight: Floats, bias: Floats, pad: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> Floats:
    """Cross-correlate `(c, h, w)` with `(out, c, kh, kw)`, as networks call convolution."""
    x = np.pad(x, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    windows = sliding_window_view(x, weight.shape[2:], axis=(1, 2))[:, :: stride[0], :: stride[1]]
    h, w = windows.shape[1:3]
    columns = windows.transpose(1, 2, 0, 3, 4).reshape(h * w, -1)
    out = columns @ weight.reshape(len(weight), -1).T + bias
    return np.asarray(out.T.reshape(len(weight), h, w), np.float32)
