"""Running the server: one process that writes the home, until it is told to stop."""

import contextlib
import ctypes
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from ...tools.errors import BadInput
from .. import note, tracing
from ..assistant import Assistant
from ..note import LOOPBACK
from . import logs
from .app import create_app
from .fetching import Fetcher
from .gate import PER_KEY, Gate

_log = logging.getLogger("sightline.api")

_ARENAS, _MMAP_FROM, _TRIM_FROM = -8, -3, -1
"""M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD. Source: glibc's malloc.h."""

_PATIENCE = 30
"""Seconds for which what is under way may go on once the server is told to stop."""

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
    many MB one request may bring; `fetch`: the hosts that photos may be fetched from by their addresses.
    """

    at_once: int | None = None
    in_line: int = 64
    per_key: int = PER_KEY
    rate: str | None = None
    most_mb: int = 100
    fetch: tuple[str, ...] = ()


def serve(home: Path | None, host: str, port: int, bounds: Bounds = Bounds()) -> None:
    """Serve a home until SIGINT or SIGTERM; what is under way is finished first, for half a minute, and then cut off.

    So it is by a second signal: a turn that is cut off can be resumed, as after a crash.
    Raises `BadInput` for an address that cannot be had or a rate that is none, `Busy` where another process writes the
    home, `Unavailable` where its keys cannot be read.
    """
    _give_back_memory()
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
            most = 1_000_000 * bounds.most_mb
            fetcher = Fetcher(bounds.fetch) if bounds.fetch else None
            app = create_app(
                gate, at_once=bounds.at_once or _cores(), in_line=bounds.in_line, most_bytes=most, fetcher=fetcher
            )
            app.state.imports.of(assistant)  # goes on with those that a crash cut short
            here = _HERE.get(host, host)
            name = f"[{here}]" if ":" in here else here
            address = f"http://{name}:{bound.getsockname()[1]}"
            # Before the server runs, and once it has ended, a signal ends the process in order.
            for each in (signal.SIGINT, signal.SIGTERM):
                signal.signal(each, _end)
            left = note.write(assistant.home, note.Note(address, secret))
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
                    timeout_graceful_shutdown=_PATIENCE,
                )
                # The first turn does not wait for what takes seconds to load; nor does whoever asks whether we are up.
                threading.Thread(target=_warm, args=(assistant,), name="sightline-warm", daemon=True).start()
                print(f"Sightline serves {assistant.home} at {address}", flush=True)  # noqa: T201
                _Server(config, left).run(sockets=[bound])
            finally:
                left.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """A server that a second signal, or its own patience, ends at once."""

    def __init__(self, config: uvicorn.Config, left: Path) -> None:
        super().__init__(config)
        self._left = left

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server`, which would wait for a worker as long as that takes."""
        if self.should_exit:
            self._cut_off(sig)
        super().handle_exit(sig, frame)
        # A little after what is under way was asked to end.
        timer = threading.Timer(_PATIENCE + 2, self._cut_off, [sig])
        timer.daemon = True
        timer.start()

    def _cut_off(self, sig: int) -> None:
        self._left.unlink(missing_ok=True)
        os._exit(128 + sig)


def _end(*_: object) -> None:
    sys.exit(0)


def _give_back_memory() -> None:
    """Let glibc return the memory of images to the system, in whichever thread they were looked at.

    By itself it keeps more and more of it in the heaps of threads: after 20 photos in two threads 1.5 GB, so 0.7 GB.
    """
    with contextlib.suppress(OSError, AttributeError):  # where there is another libc
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_ARENAS, 2), (_MMAP_FROM, 1 << 20), (_TRIM_FROM, 16 << 20)):
            mallopt(option, value)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _warm(assistant: Assistant) -> None:
    try:
        assistant.warm()
    except Exception:
        # The server may stop meanwhile, and whatever is missing is told by the turn that needs it.
        _log.info("not everything could be loaded ahead", exc_info=True)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # Who reads the note before the server runs has to wait a moment, and is not refused.
        bound.listen(1024)
    except OSError as error:
        bound.close()
        raise BadInput(f"Expected a port that is free; {host}:{port} cannot be had ({error}). Try another.") from error
    return bound
