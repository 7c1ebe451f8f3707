"""What this machine has for a model: a GPU, free memory and disk, and servers that answer on it.

Only 127.0.0.1 is asked, at the ports that model servers are known to open, and nothing is sent but one GET each.
"""

import http.client
import json
import shutil
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"

OLLAMA = "Ollama"

PORTS: Mapping[int, str] = {
    11434: OLLAMA,
    8000: "vLLM / transformers serve",
    30000: "SGLang",
    8080: "llama.cpp",
    1234: "LM Studio",
}
"""What opens which port where nobody says otherwise. Source: each one's documentation of its server."""

PATIENCE = 0.5
"""Seconds in which a server on this machine lists its models, or is taken for none."""

_GIGA = 1e9
_LISTED = 1_000_000  # bytes of a list of models; longer is something else
_NAME = 200  # characters of a model's name; longer is something else


@dataclass(frozen=True)
class Gpu:
    """A graphics card that transformers can use, and its free memory in gigabytes (of 1e9 bytes)."""

    name: str
    gigabytes: float


@dataclass(frozen=True)
class Server:
    """An OpenAI-compatible server: whose it seems to be, its address as `http://127.0.0.1:8000/v1`, its models."""

    program: str
    address: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """What there is for a model. `memory` and `disk`: what is free, in gigabytes (of 1e9 bytes)."""

    gpu: Gpu | None
    memory: float
    disk: float
    servers: tuple[Server, ...]


def look() -> Machine:
    """Look at this machine; that takes as long as importing torch, a second or two."""
    return Machine(_gpu(), _memory(), _disk(), servers())


def servers(ports: Mapping[int, str] = PORTS, patience: float = PATIENCE) -> tuple[Server, ...]:
    """The servers that list their models within `patience` seconds, asked side by side, in the order of the ports."""
    found: dict[int, tuple[str, ...]] = {}

    def ask(port: int) -> None:
        models = _listed(port, patience)
        if models is not None:
            found[port] = models

    # Threads that may be left behind: one that is sent a byte a second would hold up a pool.
    threads = [threading.Thread(target=ask, args=(port,), daemon=True) for port in ports]
    for thread in threads:
        thread.start()
    end = time.monotonic() + patience
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0.0))
    answered = dict(found)
    return tuple(
        Server(program, f"http://{LOOPBACK}:{port}/v1", answered[port])
        for port, program in ports.items()
        if port in answered
    )


def _listed(port: int, patience: float) -> tuple[str, ...] | None:
    """The models that a port lists; `None` where no model server answers."""
    # Not by a client that reads proxies from the environment, or follows where it is sent.
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=patience)
    try:
        connection.request("GET", "/v1/models")
        reply = connection.getresponse()
        body = reply.read(_LISTED)
        rows = json.loads(body)["data"] if reply.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError):
        return None
    finally:
        connection.close()
    if not isinstance(rows, list):
        return None
    names = [row.get("id") for row in rows if isinstance(row, dict)]
    return tuple(name for name in names if isinstance(name, str) and 0 < len(name) <= _NAME and name.isprintable())


def _gpu() -> Gpu | None:
    """The card that a checkpoint is loaded on: the first of CUDA, else Apple's."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a driver too old: then there is no card for us
        try:
            if torch.cuda.is_available():
                return Gpu(torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0] / _GIGA)
            if torch.backends.mps.is_available():
                return Gpu("Apple", min(torch.mps.recommended_max_memory() / _GIGA, _memory()))
        except RuntimeError:  # one that another program holds, or that is broken
            return None
    return None


def _memory() -> float:
    import psutil

    return float(psutil.virtual_memory().available) / _GIGA


def _disk() -> float:
    """What is free where the hub's own library keeps what it downloads."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE).expanduser().absolute()
    return shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free / _GIGA
