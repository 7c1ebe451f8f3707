"""Running the server: one process that writes the home, until it is told to stop."""

import json
import os
import secrets
import socket
import tempfile
from pathlib import Path

import uvicorn

from ...tools.errors import BadInput
from ..assistant import Assistant
from .app import create_app
from .gate import Gate

NOTE = "server.json"
"""The file in a home that says where its server is; only its owner can read it."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(home: Path | None, host: str, port: int) -> None:
    """Serve a home until SIGINT or SIGTERM; what is under way is finished first.

    Raises `BadInput` for an address that cannot be had, `Busy` where another process writes the home.
    """
    if host not in LOOPBACK:
        raise BadInput(f"Expected an address of this machine alone ({', '.join(LOOPBACK)}) without keys; got {host}.")
    with Assistant.open(home) as assistant, _bound(host, port) as bound:
        assistant.own()
        secret = secrets.token_urlsafe(32)
        app = create_app(Gate(assistant, secret), at_once=os.cpu_count() or 1)
        address = f"http://{host}:{bound.getsockname()[1]}"
        note = _note(assistant.home, {"url": address, "pid": os.getpid(), "secret": secret})
        try:
            config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=30)
            print(f"Sightline serves {assistant.home} at {address}", flush=True)  # noqa: T201
            uvicorn.Server(config).run(sockets=[bound])
        finally:
            note.unlink(missing_ok=True)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise BadInput(f"Expected a port that is free; {host}:{port} cannot be had ({error}). Try another.") from error
    return bound


def _note(home: Path, data: dict[str, object]) -> Path:
    handle, part = tempfile.mkstemp(prefix=".server-", dir=home)  # mkstemp: its owner alone may read it
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps(data))
    return Path(part).replace(home / NOTE)
