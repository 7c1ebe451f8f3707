"""What several test files need: an Assistant whose OCR engine is shared and counts, and a photo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import CountingReader, label
from PIL import Image

from sightline.agent.assistant import Assistant


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


@pytest.fixture
def photo() -> Image.Image:
    return label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place")
