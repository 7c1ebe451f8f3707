"""How clients reach the MCP server: standard input and output, or streamable HTTP on this machine."""

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer

from ..tools.errors import BadInput
from .note import LOOPBACK

_CHUNK = 65536
_GRACE = 3  # seconds that clients have to leave when the server is told to end
_LARGEST = 70_000_000
"""Bytes of a request at most: the largest photo, of 50 million bytes, as a data URI, and some words beside it."""


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve one client until it closes our standard input, or we are told to end, which is told on as an interrupt.

    While it serves, whatever else is printed goes to standard error: the library sees to that.
    """
    interrupted = threading.Event()
    feed = _Feed()

    def end(*_: object) -> None:
        interrupted.set()
        feed.end()

    _on_signals(end)
    anyio.run(server.run_stdio_async)
    if interrupted.is_set():
        raise KeyboardInterrupt


def serve_http(server: MCPServer[Any], host: str, port: int) -> None:
    """Serve clients of this machine at `http://host:port/mcp` until told to end; port 0 takes a free one.

    The address is printed to standard error once it listens. Only requests that name this machine in their Host, and
    in their Origin where they have one, are answered: a page from elsewhere in somebody's browser cannot reach it.
    Raises `BadInput` for another host, or a port that cannot be had.
    """
    import uvicorn

    if host not in LOOPBACK:
        raise BadInput(
            f"Expected a host of this machine ({', '.join(LOOPBACK)}); got {host!r}. Nobody is asked for a key here, "
            "so that others must not reach it."
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise BadInput(f"Expected a port that is free, 0 to 65535; {port} cannot be had ({error}).") from error
    # The library guards Host and Origin by itself where it is given a host of this machine.
    app = server.streamable_http_app(host=host, max_request_body_size=_LARGEST)
    serving = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE))
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"http://{shown}:{listening.getsockname()[1]}/mcp\n")
    sys.stderr.flush()

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # It ends gracefully on either signal and then raises it once more: so that we end in order, too.
    _on_signals(end)
    serving.run(sockets=[listening])


class _Feed:
    """Standard input through a pair of sockets, which can be ended.

    Nothing ends a thread that waits in a read of standard input itself, and the library waits for its own.
    """

    def __init__(self) -> None:
        source, (reading, self._writing) = os.dup(0), socket.socketpair()
        os.dup2(reading.fileno(), 0)
        reading.close()
        threading.Thread(target=self._copy, args=(source,), daemon=True, name="stdin").start()

    def end(self) -> None:
        """Let the input end here, whatever is still to come."""
        with suppress(OSError):  # it has ended
            self._writing.shutdown(socket.SHUT_RDWR)

    def _copy(self, source: int) -> None:
        with suppress(OSError):  # nobody reads any more
            while chunk := os.read(source, _CHUNK):
                self._writing.sendall(chunk)
        self.end()


def _on_signals(end: Any) -> None:
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, end)
