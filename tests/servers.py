"""An OpenAI-compatible server on loopback for a model that looks (`looking.py`), and what can be wrong with one.

`serving(Looking())` is a good endpoint, `serving(Looking(), FAULTS["hangs"])` one with that fault and no other.
"""

import base64
import io
import itertools
import json
import math
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from looking import Asked, Brain, Call
from PIL import Image

QWEN3, QWEN25 = "Qwen/Qwen3-VL-4B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct"
ENOUGH = 20
"""Requests that no endpoint is asked more than, however broken it is."""


# --- faults


Images = list[Image.Image]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server, each in its own place on the way.

    `images`: what becomes of the images of a request; `text`: of a reply, which may be endless; `status`: the HTTP
    status of the n-th request, from 1; `body`: sent in place of JSON; `first` and `between`: seconds before the first
    piece of a reply and before each other one; `refuses`: fields of a request that are answered with 400; `resets`,
    `hangs`: the connection. `status`, `resets` and `hangs` apply to requests with at least `at_images` images.
    `endless`: its replies take no notice of the limit of tokens, of which each piece is one otherwise.
    """

    images: Callable[[Images], Images] = list
    text: Callable[[str], Iterable[str]] = lambda text: (text[i : i + 12] for i in range(0, max(len(text), 1), 12))
    status: Callable[[int], int] = lambda _: 200
    body: bytes | None = None
    first: float = 0.0
    between: float = 0.0
    refuses: tuple[str, ...] = ()
    resets: bool = False
    hangs: bool = False
    at_images: int = 0
    endless: bool = False


def shrunk(longest: float = math.inf, pixels: float = math.inf) -> Callable[[Images], Images]:
    """Images made smaller, so that no side is longer than this and none has more pixels, in pixels."""

    def change(images: Images) -> Images:
        small = []
        for image in images:
            by = min(longest / max(image.size), (pixels / (image.width * image.height)) ** 0.5, 1.0)
            small.append(image.resize((round(image.width * by), round(image.height * by)), Image.Resampling.LANCZOS))
        return small

    return change


def squared(side: int) -> Callable[[Images], Images]:
    """Images squeezed into a square of this side, in pixels."""
    return lambda images: [image.resize((side, side), Image.Resampling.LANCZOS) for image in images]


def _fused(images: Images) -> Images:
    """Of images of one size only the first is seen."""
    kept: dict[tuple[int, int], Image.Image] = {}
    return [kept.setdefault(image.size, image) for image in images]


def _endless(text: str) -> Iterator[str]:
    yield text
    yield from itertools.repeat(" and so on and on")


def _thinking(text: str) -> Iterator[str]:
    """More thoughts than a short reply has room for, with what looks like an answer and is none."""
    yield "<think>Is it red? Or [[1, 2"
    yield from (f" or {n}" for n in range(70))
    yield from ("?</think>\n", text)


_PROSE = "It is somewhere in the upper part of the picture, I would say."  # in place of any structure


def _salad(text: str) -> Iterator[str]:
    """Tokens without sense, other ones for another answer."""
    rng = np.random.default_rng(list(text.encode()))
    yield " ".join("".join(rng.choice(list("bcdfgkzxwäß"), 5)) for _ in range(12))


FAULTS: dict[str, Fault] = {
    "ignores_images": Fault(images=lambda _: []),
    "fuses_images": Fault(images=_fused),
    "swaps_images": Fault(images=lambda images: images[::-1]),
    "last_image_only": Fault(images=lambda images: images[-1:]),
    "shrinks": Fault(images=shrunk(640)),
    "squares": Fault(images=squared(448)),
    "truncates": Fault(text=lambda text: [text[: max(24, len(text) * 3 // 5)]]),
    "repeats": Fault(text=_endless, endless=True),
    "thinks": Fault(text=_thinking),
    "prose": Fault(text=lambda text: [_PROSE if set(text) & set("[{<") else text]),
    "salad": Fault(text=_salad),
    "slow": Fault(first=0.2),
    "trickles": Fault(text=lambda text: (text[i : i + 3] for i in range(0, len(text), 3)), between=0.05),
    "too_many": Fault(status=lambda _: 429),
    "error": Fault(status=lambda _: 500),
    "error_once": Fault(status=lambda n: 500 if n == 1 else 200),
    "refuses_images": Fault(status=lambda _: 400, at_images=1),
    "breaks_on_two": Fault(status=lambda _: 500, at_images=2),
    "resets": Fault(resets=True),
    "hangs": Fault(hangs=True),
    "garbage": Fault(body=bytes(range(128, 256)) * 8),
    "html": Fault(body=b"<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>"),
    "no_tools": Fault(refuses=("tools",)),
    "no_json_mode": Fault(refuses=("response_format",)),
}
"""Each of these alone is planted in a server that is good otherwise."""


# --- serving


class Served(str):
    """The address of a server, `http://127.0.0.1:PORT/v1`, and what came there."""

    asked: list[Asked]
    statuses: list[int]
    hung_up: threading.Event

    @property
    def requests(self) -> int:
        """How many requests for a reply came, answered or not."""
        return len(self.statuses)


@contextmanager
def serving(brain: Brain, fault: Fault | None = None, model: str = "fake") -> Iterator[Served]:
    """A server of this model, with this fault, on a free port of loopback, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.brain, server.fault, server.model = brain, fault or Fault(), model
    server.address = Served(f"http://127.0.0.1:{server.server_address[1]}/v1")
    server.address.asked, server.address.statuses, server.address.hung_up = [], [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A handler whose client has left may still sleep: the block that served does not wait for it.
    block_on_close = False
    brain: Brain
    fault: Fault
    model: str
    address: Served

    def __init__(self, *args: Any) -> None:
        self.closing = threading.Event()
        self.counting = threading.Lock()
        super().__init__(*args)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": self.server.model, "object": "model"}]})
        else:
            self._json(404, {"error": {"message": f"there is no {self.path}"}})

    def do_POST(self) -> None:
        fault = self.server.fault
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.rstrip("/") != "/v1/chat/completions":
            self._json(404, {"error": {"message": f"there is no {self.path}"}})
            return
        asked = _asked(body)
        applies = len(asked.images) >= fault.at_images
        with self.server.counting:
            status = fault.status(self.server.address.requests + 1) if applies else 200
            refused = [name for name in fault.refuses if body.get(name)]
            self.server.address.asked.append(asked)
            self.server.address.statuses.append(400 if refused else status)
        if fault.hangs and applies:
            self.close_connection = True
            self.server.closing.wait()
        elif fault.resets and applies:
            self.close_connection = True
            # Closing with a linger of no seconds sends a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
        elif refused:
            self._json(400, {"error": {"message": f"{refused[0]} is not supported"}})
        elif status != 200:
            self._json(status, {"error": {"message": f"planted {status}", "type": "planted"}})
        elif fault.body is not None:
            self._bytes(200, "application/json", fault.body)
        else:
            seen = asked._replace(images=fault.images(asked.images))
            self._reply(self.server.brain(seen), body, fault)

    def _reply(self, said: str | Call, body: dict[str, Any], fault: Fault) -> None:
        pieces = iter([]) if isinstance(said, Call) else fault.text(said)
        if body.get("stream"):
            with suppress(ConnectionError):
                self._stream(said, pieces, fault, body.get("max_tokens"))
                return
            self.server.address.hung_up.set()
            return
        self.server.closing.wait(fault.first)
        text = "".join(itertools.islice(pieces, body.get("max_tokens") or 1000))  # the reply may be endless
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if isinstance(said, Call):
            message["tool_calls"] = [_call(said)]
        reason = "tool_calls" if isinstance(said, Call) else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self._json(200, {**self._head("chat.completion"), "choices": [choice], "usage": usage})

    def _stream(self, said: str | Call, pieces: Iterable[str], fault: Fault, limit: int | None) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.server.closing.wait(fault.first)
        self._event({"role": "assistant", "content": ""})
        if isinstance(said, Call):
            self._event({"tool_calls": [{"index": 0, **_call(said)}]})
        reason = "tool_calls" if isinstance(said, Call) else "stop"
        for n, piece in enumerate(pieces):
            if n == limit and not fault.endless:
                reason = "length"
                break
            self.server.closing.wait(fault.between)
            if self.server.closing.is_set():
                return
            self._event({"content": piece})
        self._event({}, reason)
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, delta: dict[str, Any], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        event = {**self._head("chat.completion.chunk"), "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "reply", "object": kind, "created": int(time.time()), "model": self.server.model}

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._bytes(status, "application/json", json.dumps(data, ensure_ascii=False).encode())

    def _bytes(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _asked(body: dict[str, Any]) -> Asked:
    """The words and images of all messages, in their order; an image is named in words of its own (`Image 1:`)."""
    words: dict[bool, list[str]] = {True: [], False: []}
    images = []
    for message in body["messages"]:
        content = message["content"]
        blocks: list[dict[str, Any]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        )
        for block in blocks:
            if block["type"] == "text":
                words[message["role"] == "system"].append(block["text"])
            elif block["type"] == "image_url":
                data = block["image_url"]["url"].partition(",")[2]
                images.append(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    return Asked("\n".join(words[True]), "\n".join(words[False]), images, body.get("tools") or [], body)


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": "call_1",
        "type": "function",
        "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
    }
