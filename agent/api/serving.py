"""Running the server: one process that writes the home, until it is told to stop."""

import json
import os
import secrets
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from ...tools.errors import BadInput
from .. import tracing
from ..assistant import Assistant
from . import logs
from .app import create_app
from .gate import PER_KEY, Gate
from .limits import LOOPBACK

NOTE = "server.json"
"""The file in a home that says where its server is; only its owner can read it."""

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104, which is about binding to it
"""What this machine calls itself where the server listens at all its addresses."""

_CONNECTIONS = 1000
"""Open at once; one more is answered with 503. Each is a file, and a process may have 1024 of them by default."""

_IDLE = 30
"""Seconds for which a connection stays open without a request."""


@dataclass(frozen=True)
class Bounds:
    """How much a server takes.

    `at_once`: threads that look, `None` for one a core; `in_line`: requests that wait for them; `per_key`: requests
    that one key may have under way; `rate`: how often it may ask, as `60/minute`, `None` for no limit; `most_mb`: how
    many MB one request may bring.
    """

    at_once: int | None = None
    in_line: int = 64
    per_key: int = PER_KEY
    rate: str | None = None
    most_mb: int = 100


def serve(home: Path | None, host: str, port: int, bounds: Bounds = Bounds()) -> None:
    """Serve a home until SIGINT or SIGTERM; what is under way is finished first.

    Raises `BadInput` for an address that cannot be had or a rate that is none, `Busy` where another process writes the
    home, `Unavailable` where its keys cannot be read.
    """
    with tracing.configured() as callbacks, Assistant.open(home, callbacks=callbacks) as assistant:
        secret = secrets.token_urlsafe(32)
        gate = Gate(assistant, secret, rate=bounds.rate, per_key=bounds.per_key)
        if host not in LOOPBACK and not gate.keyed:
            raise BadInput(
                f"Expected an address of this machine alone ({', '.join(LOOPBACK)}) without keys; got {host}. "
                "Make one first: sightline keys add NAME."
            )
        assistant.own()
        with _bound(host, port) as bound:
            most, cores = 1_000_000 * bounds.most_mb, os.cpu_count() or 1
            app = create_app(gate, at_once=bounds.at_once or cores, in_line=bounds.in_line, most_bytes=most)
            here = _HERE.get(host, host)
            name = f"[{here}]" if ":" in here else here
            address = f"http://{name}:{bound.getsockname()[1]}"
            note = _note(assistant.home, {"url": address, "pid": os.getpid(), "secret": secret})
            # Stopped by a signal, uvicorn gives it again to whoever would have had it: this ends the blocks we are in.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            try:
                logs.configure()
                config = uvicorn.Config(
                    app,
                    log_config=None,
                    access_log=False,
                    http="h11",  # it bounds a request's head
                    ws="none",
                    server_header=False,
                    limit_concurrency=_CONNECTIONS,
                    timeout_keep_alive=_IDLE,
                    timeout_graceful_shutdown=30,
                )
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
