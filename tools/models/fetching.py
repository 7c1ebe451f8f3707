"""Fetch a model's weights: from the hub into the hub's own cache, or by a running Ollama.

The hub's library runs in a process of its own, so that an interrupt ends it at once, and it ends with us. Files come
one after another: it keeps those that are whole, and begins the one it was in again. Run as a program, this module is
that process.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import Unavailable

FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""What of a repository is fetched: many keep the same weights in other formats beside."""

_GIGA = 1e9
_LOOK = 0.5  # seconds between looks at how much has come
_PASSING = (ConnectionError, TimeoutError, FileNotFoundError)  # errors of the network, as the hub's library tells them
_REFUSED = (401, 403, 404)  # statuses for a model that is not there, and one that is not for everybody
_SILENCE = 300.0  # seconds that Ollama may say nothing: it checks what it fetched


class Unreachable(Unavailable):
    """There is no network, or the hub cannot be reached over it."""


@dataclass(frozen=True)
class Weights:
    """A repository's files: where they are kept, and what is still to come, in gigabytes (of 1e9 bytes)."""

    folder: str
    missing: float


def weigh(repository: str) -> Weights:
    """Ask what of a repository is to be fetched. Raises `Unreachable`; `Unavailable` where the hub refuses it."""
    with _started("weigh", repository) as child:
        said = _told(child)
    return Weights(said["folder"], said["missing"] / _GIGA)


def download(repository: str, weights: Weights, tell: Callable[[float], None]) -> None:
    """Fetch what is missing, and tell the share that has come, 0..1, as it grows.

    Raises `Unreachable` and `Unavailable`. However it ends, files that are whole are not fetched again.
    """
    blobs = Path(weights.folder, "blobs")
    before, others = _size(blobs), set(blobs.glob("*.incomplete"))
    try:
        with _started("download", repository) as child:
            try:
                while child.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        child.wait(_LOOK)
                    if weights.missing:
                        tell(min(max((_size(blobs) - before) / _GIGA / weights.missing, 0.0), 1.0))
            finally:
                child.kill()
            _told(child)
    finally:
        # A part has a name that no other run knows, and gigabytes.
        for part in set(blobs.glob("*.incomplete")) - others:
            part.unlink(missing_ok=True)


def pull(server: str, model: str, tell: Callable[[float], None]) -> None:
    """Have the Ollama at an address (`http://127.0.0.1:11434/v1`) fetch a model; tell the share that has come, 0..1.

    Raises `Unavailable` where it cannot. Source: docs/api.md of ollama/ollama, "Pull a Model".
    """
    address = urlsplit(server)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_SILENCE)
    done: dict[str, tuple[float, float]] = {}
    try:
        connection.request("POST", "/api/pull", json.dumps({"model": model}), {"Content-Type": "application/json"})
        for line in connection.getresponse():
            said = json.loads(line)
            if said.get("error"):
                raise Unavailable(f"Ollama cannot fetch {model}: {said['error']}")
            if said.get("status") == "success":
                return
            if said.get("total"):
                done[said["digest"]] = float(said.get("completed", 0)), float(said["total"])
                # Its layers come one after another; the first that is large is nearly all of it.
                come, whole = (sum(each) for each in zip(*done.values(), strict=True))
                tell(min(come / whole, 1.0))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unavailable(f"Ollama stopped fetching {model}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    raise Unavailable(f"Ollama stopped fetching {model} before its end.")


def _started(verb: str, repository: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", __name__, verb, repository],  # -P: nothing of the working directory is imported
        stdin=subprocess.PIPE,  # closes where we end, however we do
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        start_new_session=True,  # an interrupt reaches us alone, and we end it
    )


def _told(child: "subprocess.Popen[str]") -> dict[str, Any]:
    """What the process found out. Raises what it could not do."""
    # Not by communicate(), which would close its standard input, and that ends it.
    out = child.stdout.read() if child.stdout else ""
    try:
        said: dict[str, Any] = json.loads(out)
    except ValueError:
        raise Unavailable("The process that fetches from the hub ended before it was done.") from None
    if "error" in said:
        raise (Unreachable if said["unreachable"] else Unavailable)(said["error"])
    return said


def _size(blobs: Path) -> int:
    total = 0
    for file in blobs.glob("*"):
        with suppress(OSError):  # renamed meanwhile
            total += file.stat().st_size
    return total


def _main(verb: str, repository: str) -> dict[str, Any]:
    """In the process of its own: what `weigh` and `download` want to know, or the error."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    folder = str(Path(HF_HUB_CACHE, f"models--{repository.replace('/', '--')}"))
    patterns = list(FILES)
    try:
        if verb == "download":
            snapshot_download(repository, allow_patterns=patterns, max_workers=1)
            return {"folder": folder}
        with suppress(LocalEntryNotFoundError):
            snapshot_download(repository, allow_patterns=patterns, local_files_only=True)
            return {"folder": folder, "missing": 0}
        files = snapshot_download(repository, allow_patterns=patterns, dry_run=True)
        return {"folder": folder, "missing": sum(file.file_size for file in files if file.will_download)}
    except Exception as error:
        cause: BaseException = error.__cause__ or error
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            here = status < 500  # it answers: the repository is not there, or not for everybody
            said = f"The hub answered with status {status}."
            if status in _REFUSED:
                said = (
                    "The hub has no model of this name, or shows it only to those it knows. "
                    "Check the name, or ask for the model on its page and log in with hf auth login."
                )
        else:
            here = isinstance(cause, OSError) and not isinstance(cause, _PASSING)
            said = " ".join(str(cause).split("\n\n")[0].split())
        return {"error": said, "unreachable": not here}


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.write(json.dumps(_main(*sys.argv[1:])))
