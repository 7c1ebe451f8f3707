"""A model that looks at the pixels it is sent: what it answers comes out of them, never out of knowing the question."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.tools.dialects import DIALECTS, Frame
from sightline.tools.models.scenes import COLOURS
from sightline.tools.types import Box, Region, Size

_NEAR = 60  # of 255, Euclidean in RGB
_SMALL = 0.0008  # share of an image; less is no shape but the edge of one
_DARK = 90  # of 255: ink
_ALPHABET = "ABCDEFGHIJKLMNPQRSTUVWXYZ0123456789"  # an O looks like a zero


class Shape(NamedTuple):
    """One shape that was seen: `box` in pixels of the image."""

    colour: str
    form: str
    box: Box


class Call(NamedTuple):
    """A reply that calls a tool."""

    name: str
    arguments: dict[str, Any]


class Asked(NamedTuple):
    """One request as the model sees it; `system` is what stands before the conversation."""

    system: str
    prompt: str
    images: list[Image.Image]
    tools: list[dict[str, Any]]
    body: dict[str, Any]


Brain = Callable[[Asked], str | Call]


# --- seeing


_seen: dict[tuple[tuple[int, int], int], list[Shape]] = {}


def shapes(image: Image.Image) -> list[Shape]:
    """Every coloured circle, rectangle and triangle on a light ground, from left to right."""
    data = image.convert("RGB").tobytes()
    known = image.size, hash(data)  # many servers are shown the same scenes
    if known not in _seen:
        _seen[known] = _shapes(np.frombuffer(data, np.uint8).reshape(image.height, image.width, 3))
    return _seen[known]


def _shapes(image: NDArray[np.uint8]) -> list[Shape]:
    rgb = image >> 3
    nearest = _nearest()[rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]]
    seen = []
    shares = np.bincount(nearest.ravel() + 1, minlength=len(COLOURS) + 1)[1:] / nearest.size
    for n, colour in enumerate(COLOURS):
        if shares[n] < _SMALL:
            continue
        _, _, stats, _ = cv2.connectedComponentsWithStats((nearest == n).astype(np.uint8), connectivity=8)
        for x, y, width, height, area in stats[1:].tolist():
            if area >= _SMALL * nearest.size and area > 0.4 * width * height:
                seen.append(Shape(colour, _form(area / (width * height)), Box(x, y, x + width, y + height)))
    return sorted(seen, key=lambda s: s.box)


@cache
def _nearest() -> NDArray[np.int8]:
    """The number of the nearest of `COLOURS` for each of 32 x 32 x 32 shades, -1 where none is near."""
    shades = np.stack(np.meshgrid(*[np.arange(32) * 8 + 4] * 3, indexing="ij"), axis=-1)
    distances = np.stack([((shades - np.array(c)) ** 2).sum(axis=-1) for c in COLOURS.values()])
    return np.where(distances.min(axis=0) < _NEAR**2, distances.argmin(axis=0), -1).astype(np.int8)


def _form(filled: float) -> str:
    """What fills this share of its box: a rectangle all of it, a circle pi/4, a triangle half."""
    return min((("rectangle", 1.0), ("circle", 0.785), ("triangle", 0.5)), key=lambda f: abs(f[1] - filled))[0]


def printed(image: Image.Image) -> list[str]:
    """The lines of dark capitals and digits in Pillow's own font, from top to bottom."""
    ink = (np.asarray(image.convert("L")) < _DARK) & (np.asarray(image.convert("HSV"))[:, :, 1] < 90)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = [(x, y, w, h, n) for n, (x, y, w, h, _) in enumerate(stats.tolist()) if n and h >= 10 and h >= w / 2]
    lines: list[list[tuple[int, int, int, int, int]]] = []
    for letter in sorted(found, key=lambda f: f[1] + f[3] / 2):
        if lines and abs(lines[-1][-1][1] - letter[1]) < letter[3] / 2:
            lines[-1].append(letter)
        else:
            lines.append([letter])
    read = []
    for line in lines:
        text, end = "", None
        for x, y, w, h, n in sorted(line):
            text += " " if end is not None and x - end > 0.25 * h else ""
            text, end = text + _letter(labels[y : y + h, x : x + w] == n), x + w
        read.append(text)
    return read


def _letter(mask: NDArray[np.bool_]) -> str:
    shape, ratio = _normal(mask), mask.shape[1] / mask.shape[0]
    return min(_letters(), key=lambda c: _unlike(_letters()[c], shape, ratio))


def _unlike(known: tuple[NDArray[np.float32], float], shape: NDArray[np.float32], ratio: float) -> float:
    return float(((known[0] - shape) ** 2).mean()) + abs(known[1] - ratio)


def _normal(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(mask.astype(np.float32), (24, 32), interpolation=cv2.INTER_AREA), np.float32)


@cache
def _letters() -> Mapping[str, tuple[NDArray[np.float32], float]]:
    """Each character of the alphabet: how it looks, and how wide it is for its height."""
    known = {}
    for character in _ALPHABET:
        drawn = Image.new("L", (160, 160), 0)
        ImageDraw.Draw(drawn).text((30, 20), character, 255, font=ImageFont.load_default(size=96))
        mask = np.asarray(drawn.crop(drawn.getbbox())) > 127
        known[character] = _normal(mask), mask.shape[1] / mask.shape[0]
    return known


# --- answering


_LOCATE = re.compile(r'bounding|bbox|box_2d|"box"|\bdetect|locate|point to|/point|框出|<phrase>|<\|ref\|>|_detection>')
_THING = re.compile(rf"\b({'|'.join(COLOURS)})\b(?: (circle|rectangle|triangle|star))?")


@dataclass(frozen=True)
class Looking:
    """A model that looks: it finds shapes by colour, counts them, reads what is printed, and says so in a dialect.

    `span` gives what its numbers span in an image of a size, where that is other than its dialect has it; `swapped`:
    it writes the two axes the other way round.
    """

    dialect: str = "plain_json"
    swapped: bool = False
    span: Callable[[Size], tuple[float, float]] | None = None

    def __call__(self, asked: Asked) -> str | Call:
        words = asked.prompt.lower()
        if asked.tools:
            function = asked.tools[0]["function"]
            return Call(function["name"], self._facts(asked, function["parameters"]["properties"]))
        if found := re.search(r"reply with this word[^:]*: (\w+)", words):
            return found[1]
        if found := re.search(r'keys "([a-z]+)" and "([a-z]+)"', words):
            return json.dumps(self._facts(asked, found.groups()))
        if found := re.search(r"how many (\w+) (\w+?)s?\b", words):
            return str(sum((s.colour, s.form) == found.groups() for s in self._seen(asked)))
        if re.search(r"which colou?r", words):
            largest = [(shape.colour, shape.form) for image in asked.images if (shape := _main(image))]
            return ", ".join(" ".join(main if "which form" in words else main[:1]) for main in largest) or "none"
        if re.search(r"transcribe|which number|\bocr\b|抄写", words):
            return "\n".join(printed(asked.images[-1])) if asked.images else "NONE"
        if re.search(r"differs|不同", words):
            seen = [shape.colour if (shape := _main(image)) else "none" for image in asked.images]
            first, second = seen or ("none", "none")
            return "NONE" if first == second else f"The {first} of the first is {second} in the second."
        if _LOCATE.search(words):
            return self._located(asked, words)
        return " ".join(f"There is a {s.colour} {s.form}." for s in self._seen(asked)) or "There is nothing to see."

    def _seen(self, asked: Asked) -> list[Shape]:
        return shapes(asked.images[-1]) if asked.images else []

    def _facts(self, asked: Asked, names: Iterable[str]) -> dict[str, Any]:
        seen = self._seen(asked)
        colour, form, _ = seen[0] if seen else (None, None, None)
        known = {"colour": colour, "shape": form, "count": len(seen)}
        return {name: known.get(name) for name in names}

    def _located(self, asked: Asked, words: str) -> str:
        wanted = [m.groups() for m in _THING.finditer(words)]
        size = Size(*asked.images[-1].size) if asked.images else Size(640, 480)
        found = [
            Region(s.box, f"{s.colour} {s.form}", "thing")
            for s in self._seen(asked)
            if any(colour == s.colour and form in (None, s.form) for colour, form in wanted)
        ]
        if "boxes" not in DIALECTS[self.dialect].kinds or re.search(r"\bpoint", words):
            found = [replace(region, box=Box(*region.point, *region.point)) for region in found]
        return written(self.dialect, found, self.frame(size))

    def frame(self, size: Size) -> Frame:
        """What its numbers span in an image of this size."""
        usual = DIALECTS[self.dialect].frame(size)
        return Frame(size, self.span(size) if self.span else usual.extent, usual.swapped != self.swapped)


def written(dialect: str, regions: Sequence[Region], frame: Frame) -> str:
    """Regions as a model of this dialect writes them; with fractions where its numbers span little."""
    fine = 1 if max(frame.extent) > 1 or DIALECTS[dialect].step < 1 else 10_000
    extent = frame.extent[0] * fine, frame.extent[1] * fine
    text = DIALECTS[dialect].write(regions, replace(frame, extent=extent))
    return text if fine == 1 else re.sub(r"\b\d+\b", lambda n: str(int(n[0]) / fine), text)


def _main(image: Image.Image) -> Shape | None:
    """The largest shape."""
    return max(shapes(image), key=lambda s: s.box.area, default=None)
