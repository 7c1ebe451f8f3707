"""An OpenAI-compatible server on loopback whose model looks at the pixels it is sent, and what can be wrong with one.

`serving(Looking())` is a good endpoint, `serving(Looking(), FAULTS["hangs"])` one with that fault and no other. What it
answers comes out of the images of the request, never out of knowing the question.
"""

import base64
import io
import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.tools.dialects import DIALECTS, Frame
from sightline.tools.types import Box, Region, Size

COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 90, 200),
    "yellow": (250, 210, 40),
    "orange": (255, 127, 14),
    "purple": (140, 60, 180),
}
"""What it calls the colours it sees: the nearest of these, within `_NEAR`."""

_NEAR = 60  # of 255, Euclidean in RGB
_SMALL = 0.0008  # share of an image; less is no shape but the edge of one
_DARK = 90  # of 255: ink
_ALPHABET = "ABCDEFGHIJKLMNPQRSTUVWXYZ0123456789"  # an O looks like a zero


class Shape(NamedTuple):
    """One shape that was seen: `box` in pixels of the image."""

    colour: str
    form: str
    box: Box


class Call(NamedTuple):
    """A reply that calls a tool."""

    name: str
    arguments: dict[str, Any]


class Asked(NamedTuple):
    """One request as the model sees it; `system` is what stands before the conversation."""

    system: str
    prompt: str
    images: list[Image.Image]
    tools: list[dict[str, Any]]
    body: dict[str, Any]


Brain = Callable[[Asked], str | Call]


# --- seeing


_seen: dict[tuple[tuple[int, int], int], list[Shape]] = {}


def shapes(image: Image.Image) -> list[Shape]:
    """Every coloured circle, rectangle and triangle on a light ground, from left to right."""
    data = image.convert("RGB").tobytes()
    known = image.size, hash(data)  # many servers are shown the same scenes
    if known not in _seen:
        _seen[known] = _shapes(np.frombuffer(data, np.uint8).reshape(image.height, image.width, 3))
    return _seen[known]


def _shapes(image: NDArray[np.uint8]) -> list[Shape]:
    rgb = image >> 3
    nearest = _nearest()[rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]]
    seen = []
    shares = np.bincount(nearest.ravel() + 1, minlength=len(COLOURS) + 1)[1:] / nearest.size
    for n, colour in enumerate(COLOURS):
        if shares[n] < _SMALL:
            continue
        _, _, stats, _ = cv2.connectedComponentsWithStats((nearest == n).astype(np.uint8), connectivity=8)
        for x, y, width, height, area in stats[1:].tolist():
            if area >= _SMALL * nearest.size and area > 0.4 * width * height:
                seen.append(Shape(colour, _form(area / (width * height)), Box(x, y, x + width, y + height)))
    return sorted(seen, key=lambda s: s.box)


@cache
def _nearest() -> NDArray[np.int8]:
    """The number of the nearest colour for each of 32 x 32 x 32 shades, -1 where none is near."""
    shades = np.stack(np.meshgrid(*[np.arange(32) * 8 + 4] * 3, indexing="ij"), axis=-1)
    distances = np.stack([((shades - np.array(c)) ** 2).sum(axis=-1) for c in COLOURS.values()])
    return np.where(distances.min(axis=0) < _NEAR**2, distances.argmin(axis=0), -1).astype(np.int8)


def _form(filled: float) -> str:
    """What fills this share of its box: a rectangle all of it, a circle pi/4, a triangle half."""
    return min((("rectangle", 1.0), ("circle", 0.785), ("triangle", 0.5)), key=lambda f: abs(f[1] - filled))[0]


def printed(image: Image.Image) -> list[str]:
    """The lines of dark capitals and digits in Pillow's own font, from top to bottom."""
    ink = (np.asarray(image.convert("L")) < _DARK) & (np.asarray(image.convert("HSV"))[:, :, 1] < 90)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = [(x, y, w, h, n) for n, (x, y, w, h, _) in enumerate(stats.tolist()) if n and h >= 10 and h >= w / 2]
    lines: list[list[tuple[int, int, int, int, int]]] = []
    for letter in sorted(found, key=lambda f: f[1] + f[3] / 2):
        if lines and abs(lines[-1][-1][1] - letter[1]) < letter[3] / 2:
            lines[-1].append(letter)
        else:
            lines.append([letter])
    read = []
    for line in lines:
        text, end = "", None
        for x, y, w, h, n in sorted(line):
            text += " " if end is not None and x - end > 0.25 * h else ""
            text, end = text + _letter(labels[y : y + h, x : x + w] == n), x + w
        read.append(text)
    return read


def _letter(mask: NDArray[np.bool_]) -> str:
    shape, ratio = _normal(mask), mask.shape[1] / mask.shape[0]
    return min(_letters(), key=lambda c: _unlike(_letters()[c], shape, ratio))


def _unlike(known: tuple[NDArray[np.float32], float], shape: NDArray[np.float32], ratio: float) -> float:
    return float(((known[0] - shape) ** 2).mean()) + abs(known[1] - ratio)


def _normal(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(mask.astype(np.float32), (24, 32), interpolation=cv2.INTER_AREA), np.float32)


@cache
def _letters() -> Mapping[str, tuple[NDArray[np.float32], float]]:
    """Each character of the alphabet: how it looks, and how wide it is for its height."""
    known = {}
    for character in _ALPHABET:
        drawn = Image.new("L", (160, 160), 0)
        ImageDraw.Draw(drawn).text((30, 20), character, 255, font=ImageFont.load_default(size=96))
        mask = np.asarray(drawn.crop(drawn.getbbox())) > 127
        known[character] = _normal(mask), mask.shape[1] / mask.shape[0]
    return known


# --- answering


_LOCATE = re.compile(r'bounding|bbox|box_2d|"box"|\bdetect|locate|point to|/point|框出|<phrase>|<\|ref\|>|_detection>')
_THING = re.compile(rf"\b({'|'.join(COLOURS)})\b(?: (circle|rectangle|triangle|star))?")


@dataclass(frozen=True)
class Looking:
    """A model that looks: it finds shapes by colour, counts them, reads what is printed, and says so in a dialect.

    `span` gives what its numbers span in an image of a size, where that is other than its dialect has it; `swapped`:
    it writes the two axes the other way round.
    """

    dialect: str = "plain_json"
    swapped: bool = False
    span: Callable[[Size], tuple[float, float]] | None = None

    def __call__(self, asked: Asked) -> str | Call:
        words = asked.prompt.lower()
        if asked.tools:
            function = asked.tools[0]["function"]
            return Call(function["name"], self._facts(asked, function["parameters"]["properties"]))
        if found := re.search(r"reply with this word[^:]*: (\w+)", words):
            return found[1]
        if found := re.search(r'keys "([a-z]+)" and "([a-z]+)"', words):
            return json.dumps(self._facts(asked, found.groups()))
        if found := re.search(r"how many (\w+) (\w+?)s?\b", words):
            return str(sum((s.colour, s.form) == found.groups() for s in self._seen(asked)))
        if re.search(r"which colou?r", words):
            largest = [(shape.colour, shape.form) for image in asked.images if (shape := _main(image))]
            return ", ".join(" ".join(main if "which form" in words else main[:1]) for main in largest) or "none"
        if re.search(r"transcribe|which number|\bocr\b|抄写", words):
            return "\n".join(printed(asked.images[-1])) if asked.images else "NONE"
        if re.search(r"differs|不同", words):
            seen = [shape.colour if (shape := _main(image)) else "none" for image in asked.images]
            first, second = seen or ("none", "none")
            return "NONE" if first == second else f"The {first} of the first is {second} in the second."
        if _LOCATE.search(words):
            return self._located(asked, words)
        return " ".join(f"There is a {s.colour} {s.form}." for s in self._seen(asked)) or "There is nothing to see."

    def _seen(self, asked: Asked) -> list[Shape]:
        return shapes(asked.images[-1]) if asked.images else []

    def _facts(self, asked: Asked, names: Iterable[str]) -> dict[str, Any]:
        seen = self._seen(asked)
        colour, form, _ = seen[0] if seen else (None, None, None)
        known = {"colour": colour, "shape": form, "count": len(seen)}
        return {name: known.get(name) for name in names}

    def _located(self, asked: Asked, words: str) -> str:
        wanted = [m.groups() for m in _THING.finditer(words)]
        size = Size(*asked.images[-1].size) if asked.images else Size(640, 480)
        found = [
            Region(s.box, f"{s.colour} {s.form}", "thing")
            for s in self._seen(asked)
            if any(colour == s.colour and form in (None, s.form) for colour, form in wanted)
        ]
        if "boxes" not in DIALECTS[self.dialect].kinds or re.search(r"\bpoint", words):
            found = [replace(region, box=Box(*region.point, *region.point)) for region in found]
        return written(self.dialect, found, self.frame(size))

    def frame(self, size: Size) -> Frame:
        """What its numbers span in an image of this size."""
        usual = DIALECTS[self.dialect].frame(size)
        return Frame(size, self.span(size) if self.span else usual.extent, usual.swapped != self.swapped)


def written(dialect: str, regions: Sequence[Region], frame: Frame) -> str:
    """Regions as a model of this dialect writes them; with fractions where its numbers span little."""
    fine = 1 if max(frame.extent) > 1 or DIALECTS[dialect].step < 1 else 10_000
    extent = frame.extent[0] * fine, frame.extent[1] * fine
    text = DIALECTS[dialect].write(regions, replace(frame, extent=extent))
    return text if fine == 1 else re.sub(r"\b\d+\b", lambda n: str(int(n[0]) / fine), text)


def _main(image: Image.Image) -> Shape | None:
    """The largest shape."""
    return max(shapes(image), key=lambda s: s.box.area, default=None)


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


def shrunk(longest: int) -> Callable[[Images], Images]:
    """Images made smaller, so that no side is longer than this, in pixels."""

    def change(images: Images) -> Images:
        small = []
        for image in images:
            by = min(longest / max(image.size), 1.0)
            small.append(image.resize((round(image.width * by), round(image.height * by)), Image.Resampling.LANCZOS))
        return small

    return change


def within(pixels: int) -> Callable[[Images], Images]:
    """Images made smaller, so that none has more pixels than this."""

    def change(images: Images) -> Images:
        small = []
        for image in images:
            by = min((pixels / (image.width * image.height)) ** 0.5, 1.0)
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
