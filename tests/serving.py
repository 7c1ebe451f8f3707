"""A checkpoint behind an OpenAI-compatible server, `transformers serve`, in a process of its own on this machine.

It reads image URLs that are paths and does not tell one caller from another: for tests, on the loopback, only.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

SERVE = sys.executable, "-m", "transformers.cli.transformers", "serve"
PATIENCE = 90.0  # seconds


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The base URL, ending in `/v1`, of a server that answers as the model `str(folder)` until the block ends."""
    with tempfile.TemporaryDirectory(prefix="sightline-serve-") as scratch:
        log, port = Path(scratch, "log"), _free_port()
        with log.open("w") as written:
            process = subprocess.Popen(
                (*SERVE, str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
                env=_offline(Path(scratch)),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(process, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _offline(home: Path) -> dict[str, str]:
    """An environment in which it asks neither a hub nor, for its own newer versions, PyPI."""
    (home / "hub").mkdir()  # it fails without one
    return {
        **os.environ,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "OMP_NUM_THREADS": "1",
    }


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"transformers serve ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            if httpx.get(f"{url}/health", timeout=2, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"transformers serve did not answer in {PATIENCE:.0f} s:\n{log.read_text()[-4000:]}")
