"""Look at the machine: what is installed, what is configured, what works.

Instruments are tried, not only looked up.
"""

import os
import sqlite3
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..memory.catalogue import Catalogue
from ..memory.embedders import open_embedder
from ..tools.errors import SightlineError
from .settings import Settings

LIBRARIES = (
    "langgraph", "langchain-core", "transformers", "torch", "torchvision", "chromadb", "faiss-cpu",
    "open-clip-torch", "rapidocr", "onnxruntime", "opencv-python-headless", "zxing-cpp", "supervision", "pillow",
    "pillow-heif",
)  # fmt: skip


def examine(home: Path | None) -> dict[str, Any]:
    """The report: `ok`, and `checks`, each with `what`, `ok` and `detail`."""
    settings = Settings()
    folder = home.expanduser() if home else settings.home
    checks = [*map(_library, LIBRARIES), _home(folder), _ocr(), _catalogue(folder, settings), _model()]
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _check(what: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "detail": detail}


def _library(name: str) -> dict[str, Any]:
    try:
        return _check(name, True, version(name))
    except PackageNotFoundError:
        return _check(name, False, "not installed; run: make venv")


def _home(folder: Path) -> dict[str, Any]:
    nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    return _check("home", writable, f"{folder}{'' if writable else ' cannot be written; choose another with --home'}")


def _ocr() -> dict[str, Any]:
    """Draw a line of text and read it back."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from ..tools.reader import RapidReader

    drawn = "SIGHTLINE 2026"
    image = Image.new("RGB", (480, 120), "white")
    ImageDraw.Draw(image).text((40, 30), drawn, "black", font=ImageFont.load_default(size=48))
    try:
        reader = RapidReader()
        lines = reader.read(np.asarray(image))
    except SightlineError as error:
        return _check("ocr", False, str(error))
    read = " ".join(text for text, *_ in lines)
    return _check(
        "ocr", read.replace(" ", "") == drawn.replace(" ", ""), f"{reader.name}: drew {drawn!r}, read {read!r}"
    )


def _catalogue(home: Path, settings: Settings) -> dict[str, Any]:
    """Count the products, and look one up by a blank picture, which takes the embedder and Chroma."""
    import numpy as np

    folder = home / "catalogue"
    with closing(Catalogue(folder, __version__, settings.embedder, settings.chroma)) as catalogue:
        try:
            count = len(catalogue)
            if count:
                catalogue.nearest([np.zeros((64, 64, 3), np.uint8)], 1)
            else:
                open_embedder(catalogue.embedder)
        except (SightlineError, sqlite3.Error) as error:
            return _check("catalogue", False, str(error))
        return _check("catalogue", True, f"{count} products; embedder: {catalogue.embedder}")


def _model() -> dict[str, Any]:
    return _check("model", True, "none configured: answers come from instruments alone")
