"""An OCR engine that counts, and photos drawn on the spot."""

import atexit
import hashlib
import os
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.memory.catalogue import Catalogue
from sightline.memory.records import read
from sightline.tools.reader import RapidReader
from sightline.tools.types import Quad

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "examples" / "samples"
SHOP = ROOT / "examples" / "catalogue"


@cache
def engine() -> RapidReader:
    """One engine for the whole run: loading it costs more than reading."""
    return RapidReader()


@cache
def shop_home() -> Path:
    """A home whose catalogue holds the sample products; to be read and not written.

    It is indexed once for the whole run, whichever process wants it first; each has a copy of its own.
    """
    home = Path(tempfile.mkdtemp(prefix="sightline-shop-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    first = Path(os.environ["SIGHTLINE_TESTS_READ"]) / "shop"
    with FileLock(first.with_suffix(".lock")):
        if not first.exists():
            catalogue = Catalogue(home / "catalogue", "1")
            report = catalogue.index(read(SHOP / "catalogue.jsonl"))
            catalogue.close()
            assert not report.problems
            shutil.copytree(home, first)
    return Path(shutil.copytree(first, home, dirs_exist_ok=True))


@cache
def shop() -> Catalogue:
    """The sample products."""
    catalogue = Catalogue(shop_home() / "catalogue", "1")
    atexit.register(catalogue.close)
    return catalogue


@cache
def no_catalogue() -> Catalogue:
    """A catalogue that nobody has filled."""
    return Catalogue(Path(tempfile.gettempdir()) / "sightline-nothing-here", "1")


Made = TypeVar("Made")


def once(make: Callable[..., Made], *given: Any) -> Made:
    """What a function without memory comes to. What was made once in this run is not made again.

    Nor does another process of this run make it, which finds it in `SIGHTLINE_TESTS_READ`.
    """
    key = hashlib.sha256(pickle.dumps((make.__module__, make.__qualname__, given))).hexdigest()
    kept = Path(os.environ["SIGHTLINE_TESTS_READ"]) / key
    if not kept.exists():
        part = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        part.write_bytes(pickle.dumps(make(*given)))
        part.replace(kept)
    made: Made = pickle.loads(kept.read_bytes())
    return made


class CountingReader:
    """The real OCR engine, counting how often it is asked; what it read `once` in this run it need not read again."""

    def __init__(self) -> None:
        self.name = engine().name
        self.calls = 0

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        self.calls += 1
        return once(_read, np.ascontiguousarray(pixels))


def _read(pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
    return engine().read(pixels)


def label(*lines: str, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A sharp, well-lit label with these lines."""
    image = Image.new("RGB", size, (244, 240, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, size[0] - 20, size[1] - 20), (250, 250, 248), (20, 60, 120), 6)
    for n, line in enumerate(lines):
        draw.text((50, 60 + 70 * n), line, (20, 20, 30), font=ImageFont.load_default(size=32))
    return image
