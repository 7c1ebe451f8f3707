"""A server of a home in a process of its own, whose OCR engine can be held up: `python holding.py HOME [PATIENCE]`.

It reads nothing as long as there is a file `hold` in its home.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fakes import CountingReader
from numpy.typing import NDArray

from sightline.tools.types import Quad

HOLD = "hold"
PATIENCE = 60.0  # seconds


class HoldingReader(CountingReader):
    """Reads once nothing holds it up any more."""

    home = Path()

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        while (self.home / HOLD).exists():
            time.sleep(0.02)
        return super().read(pixels)


class Server:
    """A server that was started on a home; `url` is where it answers."""

    def __init__(self, home: Path, patience: float | None = None) -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        self._log = home.parent / f"{home.name}.log"
        command = [sys.executable, __file__, str(home), *([str(patience)] if patience else [])]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = self._address()

    def _address(self) -> str:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if found := re.search(r"http://\S+", self.said()):
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"sightline serve did not start:\n{self.said()}")

    def said(self) -> str:
        """Everything that it printed."""
        return self._log.read_text("utf-8")

    def stop(self) -> int:
        """Its exit code, once it was asked to end."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()


def _serve(home: str, patience: str | None = None) -> None:
    os.environ["SIGHTLINE_HOME"] = home
    from sightline.agent import assistant
    from sightline.agent.api import serving

    HoldingReader.home = Path(home)
    assistant.RapidReader = HoldingReader  # type: ignore[attr-defined, assignment]
    if patience:
        serving._PATIENCE = float(patience)  # type: ignore[assignment]
    from sightline.agent.cli import app

    app(["serve", "--port", "0"])


if __name__ == "__main__":
    _serve(*sys.argv[1:])
