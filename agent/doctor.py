"""Look at the machine: what is installed, what is configured, what works.

Instruments are tried, not only looked up. A model is tried only where it is named; of the one that is configured it is
said what was found when it was.
"""

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__, prompts
from ..memory.catalogue import Catalogue
from ..memory.contracts import keep, kept
from ..memory.embedders import open_embedder
from ..prompts import say
from ..tools.errors import SightlineError
from ..tools.models.contract import Contract, Problem
from .language import spoken
from .proposals import Proposal, named, shortened
from .reply import to_json
from .settings import Settings, writable

LIBRARIES = (
    "langgraph", "langchain-core", "transformers", "torch", "torchvision", "chromadb", "faiss-cpu",
    "open-clip-torch", "rapidocr", "onnxruntime", "opencv-python-headless", "zxing-cpp", "supervision", "pillow",
    "pillow-heif",
)  # fmt: skip


_BORNE: frozenset[Problem] = frozenset(
    {"axes_swapped", "resized", "other_scale", "other_dialect", "images_fused", "no_json", "no_tools", "no_json_mode"}
)
"""What Sightline makes up for, or never asks of a model: said, and no reason to change anything.

Not so what mixes up two images: it is asked about one at a time, and says nothing of how two photos differ.
"""


def examine(
    home: Path | None,
    model: str | None = None,
    server: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The report: `ok`; `checks`, each with `what`, `ok`, `detail`; the model's `contract`; its `problems`, in words.

    With a model named it is calibrated first and its contract kept; `tell` is told what is being tried. Raises
    `BadInput`, and `ModelFailed` where the model gives no answer.
    """
    language = spoken(None, "setup")
    settings = Settings.of(home)
    way = named(model, server)
    contract, seeing = _calibrate(way, settings, language, tell) if way else _kept(settings, home, language)
    checks = [*map(_library, LIBRARIES), _home(settings.home), _ocr(), _catalogue(settings.home, settings), seeing]
    return {
        "ok": all(check["ok"] for check in checks),
        "checks": checks,
        "contract": to_json(contract) if contract else None,
        "problems": _problems(contract, language) if contract else [],
    }


def _check(what: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "detail": detail}


def _library(name: str) -> dict[str, Any]:
    try:
        return _check(name, True, version(name))
    except PackageNotFoundError:
        return _check(name, False, "not installed; run: make venv")


def _home(folder: Path) -> dict[str, Any]:
    ok = writable(folder)
    return _check("home", ok, f"{folder}{'' if ok else ' cannot be written; choose another with --home'}")


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


def _calibrate(
    way: Proposal, settings: Settings, language: str, tell: Callable[[str], None]
) -> tuple[Contract, dict[str, Any]]:
    from ..tools.models.calibration import calibrate
    from ..tools.models.opening import open_model

    model = way.model or ""
    opened = open_model(model, way.server or _address(model, settings))
    contract = calibrate(opened, lambda step: tell(say(language, f"doctor.step.{step}")))
    keep(contract, settings.home)
    return contract, _calibrated(contract, language)


def _address(model: str, settings: Settings) -> str | None:
    """Where a model is that was named without an address: where it is set to be, or else what the environment says."""
    if model == settings.model:
        return settings.server
    return Settings().server if model.startswith("openai:") else None


def _kept(settings: Settings, home: Path | None, language: str) -> tuple[Contract | None, dict[str, Any]]:
    """What was found of the model that is configured. Nothing is asked of it: a large one would be loaded for it."""
    from ..tools.models.opening import open_model

    if settings.model is None:
        return None, _check("model", True, say(language, "doctor.model.none"))
    try:
        model = open_model(settings.model, settings.server)
        contract = kept(model.name, model.server, settings.home)
    except SightlineError as error:
        return None, _check("model", False, str(error))
    if contract:
        return contract, _calibrated(contract, language)
    options = {"--model": settings.model, "--server": settings.server, "--home": str(home) if home else None}
    command = shlex.join(
        ["sightline", "doctor", *(w for name, value in options.items() if value for w in (name, value))]
    )
    detail = say(language, "doctor.model.uncalibrated", model=shortened(model.name), command=command)
    return None, _check("model", True, detail)


def _calibrated(contract: Contract, language: str) -> dict[str, Any]:
    if contract.problems:
        detail = say(language, "doctor.model.problems", model=shortened(contract.model), n=len(contract.problems))
    else:
        detail = say(language, "doctor.model.good", model=shortened(contract.model), seconds=_seconds(contract))
    return _check("model", not set(contract.problems) - _BORNE, detail)


def _problems(contract: Contract, language: str) -> list[dict[str, str]]:
    """Each problem by its name, and in words with what to do."""
    known = {"dialect": contract.dialect.replace("_", " "), "seconds": _seconds(contract)}
    if contract.side:
        known["size"] = say(language, f"doctor.size.{contract.scale}", side=contract.side)
    sentences = prompts.sentences(language)
    found = []
    for problem in contract.problems:
        wanted = prompts.slots(sentences[f"doctor.problem.{problem}"])
        words = say(language, f"doctor.problem.{problem}", **{name: known[name] for name in wanted})
        found.append({"problem": problem, "text": words})
    return found


def _seconds(contract: Contract) -> str:
    return "?" if contract.ms is None else f"{contract.ms / 1000:.1f}"
