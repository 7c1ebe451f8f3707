"""What several test files need: an Assistant whose OCR engine is shared and counts, a photo, and nothing else set."""

import atexit
import gc
import os
import shutil
import ssl
import tempfile
from collections.abc import Generator, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from fakes import CountingReader, label, once
from PIL import Image

from sightline.agent.assistant import Assistant
from sightline.tools import flat, recognise, views

# A worker has one core: threads of one that wait for those of another cost more than they give.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

if "SIGHTLINE_TESTS_READ" not in os.environ:
    # Of the first process of a run; the others inherit it.
    os.environ["SIGHTLINE_TESTS_READ"] = tempfile.mkdtemp(prefix="sightline-read-")
    atexit.register(shutil.rmtree, os.environ["SIGHTLINE_TESTS_READ"], ignore_errors=True)


# What is seen of the same picture is the same in every test, and takes the most time after reading.
for module, name in ((flat, "extract"), (recognise, "extract"), (views, "extract"), (recognise, "tell")):
    setattr(module, name, partial(once, getattr(module, name)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that importing makes is garbage: to look through half a million objects again and again takes seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> CountingReader:
    counting = CountingReader()
    monkeypatch.setattr("sightline.agent.assistant.RapidReader", lambda: counting)
    return counting


@pytest.fixture
def assistant(tmp_path: Path, reader: CountingReader) -> Iterator[Assistant]:
    del reader  # wanted for what it does to the Assistant
    with Assistant.open(tmp_path / "home") as opened:
        yield opened


_certificates = cache(ssl.create_default_context)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try comes at once, and certificates, which no client on loopback uses, are read once."""
    monkeypatch.setattr("sightline.tools.models.model._PAUSE", 0.01)
    monkeypatch.setattr(ssl, "create_default_context", _certificates)


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, and no language, is in the environment."""
    for name in [n for n in os.environ if n.startswith(("SIGHTLINE_", "LC_", "LANG"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def photo() -> Image.Image:
    return label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place")
