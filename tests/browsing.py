"""A server of its own, Debian's Chromium and axe-core: what tests of the page need, and how to get what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from fakes import ROOT

AXE = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"


def chromium() -> str:
    """Where Chromium is; where there is none the test is skipped, or fails where the environment requires one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or _missing("Chromium is not here: apt-get install chromium")


def axe() -> str:
    """The source of axe-core, as `chromium`."""
    if not AXE.is_file():
        _missing("axe-core is not here: npm install --prefix .venv/npm --no-save axe-core@4.14.1")
    return AXE.read_text("utf-8")


def _missing(what: str) -> NoReturn:
    if os.environ.get("SIGHTLINE_REQUIRE_BROWSER") == "1":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of `sightline serve` on a home, until the block ends."""
    process = subprocess.Popen(
        (sys.executable, "-m", "sightline.agent.cli", "serve", "--home", str(home), "--port", "0"),
        env={**{n: v for n, v in os.environ.items() if not n.startswith("SIGHTLINE_")}, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert " at http" in said, f"the server did not say where it is: {said!r}"
        yield said.rsplit(" ", 1)[1].strip()
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
