"""What several test files need: an Assistant whose OCR engine is shared and counts, a photo, and nothing else set."""

import atexit
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fakes import CountingReader, label
from PIL import Image

from sightline.agent.assistant import Assistant

if "SIGHTLINE_TESTS_READ" not in os.environ:
    # Of the first process of a run; the others inherit it.
    os.environ["SIGHTLINE_TESTS_READ"] = tempfile.mkdtemp(prefix="sightline-read-")
    atexit.register(shutil.rmtree, os.environ["SIGHTLINE_TESTS_READ"], ignore_errors=True)


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
