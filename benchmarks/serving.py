"""The server under load, and how soon a turn begins to speak; without a model, on sample photos.

    python benchmarks/serving.py load [--conversations 32] [--seconds 60] [--tenants 2] [--at-once N]
    taskset -c 0 python benchmarks/serving.py latency [--runs 3]

`load` runs so many conversations at once against one server, and beside that, in the same run and for as long, one
conversation alone against a server of its own. All say the same turns in the same order, again and again: what is
printed, a follow-up about it, which product it is, whether it is the same as the official one. Every photo is sent
as nobody sent it before, a few pixels cut off, so that no reading of it is kept. Each turn is checked: its photo is
its own, and so are the words that only this photo bears. Nothing but 429 may be refused, and whoever is refused waits
and asks again. The tenants are keys, each with a home of its own, where this server knows keys (`sightline keys`).

`latency` asks each question of each photo, warm, each time about a photo that is new, and times the first status and
the first sentence from when the turn is sent. The server runs on the cores that this process may use: pin it to one.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent
SAMPLES, SHOP = ROOT / "examples" / "samples", ROOT / "examples" / "catalogue"
SIGHTLINE = [sys.executable, "-m", "sightline.agent.cli"]
PATIENCE = 120.0  # seconds for one turn, and for a server to start
FLAT = 0.05  # how much the memory may grow from the middle third to the last
FIRST_STATUS, FIRST_SENTENCE = 0.5, 3.0  # seconds


@dataclass(frozen=True)
class Shown:
    """A photo, a word that is printed on it and on no other here, in capitals, and its SKU, where it is a product."""

    file: Path
    word: str | None
    sku: str | None


SHOWN = (
    Shown(SAMPLES / "oat-carton.jpg", "MORNING FIELD", None),
    Shown(SHOP / "photos" / "oat-on-table.jpg", None, "FRN-OAT-15"),
    Shown(SAMPLES / "medicine-box.jpg", "SOREVANE", None),
    Shown(SHOP / "photos" / "berry-tilted.jpg", None, "LRK-TEA-BER40"),
    Shown(SAMPLES / "receipt-english.jpg", "WILLOW LANE", None),
    Shown(SHOP / "photos" / "longjing-in-hand.jpg", None, "SYT-LJ-MQ"),
    Shown(SAMPLES / "yoghurt-ambiguous-date.jpg", "HILLSIDE", None),
    Shown(SHOP / "photos" / "jasmine-on-desk.jpg", None, "SYT-MLH"),
)
READ, FOLLOW = "What does it say?", "When does it expire?"
WHICH, SAME = "Which product is it?", "Is it the same as the official one?"


@dataclass
class Tally:
    """What came of the turns of one run."""

    seconds: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    crossed: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    url: str
    pid: int


def fresh(file: Path, n: int) -> bytes:
    """A photo as nobody sent it before: of the `n`-th some pixels less."""
    image = ImageOps.exif_transpose(Image.open(file))
    image = image.crop((n % 8, n // 8 % 8, image.width - n // 64 % 8, image.height - n // 512 % 8))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


@contextmanager
def serving(home: Path, *options: str) -> Iterator[Server]:
    """A server of a home, warm."""
    command = [*SIGHTLINE, "serve", "--home", str(home), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert " at http" in line, f"the server did not start: {line}"
            # Until it no longer warms up: it is at rest for a second.
            measured, until = psutil.Process(process.pid), time.monotonic() + PATIENCE
            before, spent = -1.0, 0.0
            while spent - before > 0.05 and time.monotonic() < until:
                before = spent
                time.sleep(1)
                spent = sum(measured.cpu_times()[:2])
            yield Server(line.split()[-1], process.pid)
        finally:
            process.terminate()
            process.wait(60)


def shop(home: Path) -> Path:
    """A home with the sample products."""
    command = [*SIGHTLINE, "index", str(SHOP / "catalogue.jsonl"), "--home", str(home)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return home


def tenants(home: Path, indexed: Path, how_many: int) -> list[str | None]:
    """A key for each tenant, whose home has the sample products; none where this server knows no keys."""
    given: list[str | None] = []
    for n in range(how_many):
        command = [*SIGHTLINE, "keys", "add", f"tenant{n}", "--scope", "look", "--home", str(home), "--json"]
        added = subprocess.run(command, capture_output=True, text=True)
        if added.returncode:
            print(f"no keys here, so all are one tenant: {added.stderr.strip().splitlines()[-1:]}")
            return [None]
        said = json.loads(added.stdout)
        shutil.copytree(indexed, home / "tenants" / said["tenant"])
        given.append(said["key"])
    return given or [None]


async def events(
    client: httpx.AsyncClient, form: dict[str, str], photo: bytes | None
) -> AsyncIterator[tuple[str, Any]]:
    """The events of one turn. Raises `httpx.HTTPStatusError` where it is refused."""
    files = {"photos": ("photo.jpg", photo)} if photo else None
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", "/api/turns", data=form, files=files, headers=headers) as answer:
        if not answer.is_success:
            await answer.aread()
            answer.raise_for_status()
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def turns(number: int) -> Iterator[tuple[str, Shown, bytes | None, bool]]:
    """What conversation `number` asks, endlessly: the question, what it is about, a photo if it is sent, its check."""
    for n in itertools.count(number):
        read, product = SHOWN[2 * n % len(SHOWN)], SHOWN[(2 * n + 1) % len(SHOWN)]
        # 4096 photos of each are new; the conversations share them out.
        new = (n * 37 + number) % 4096
        yield READ, read, fresh(read.file, new), True
        yield FOLLOW, read, None, False
        yield WHICH, product, fresh(product.file, new), True
        yield SAME, product, None, True


@dataclass
class Clock:
    """When the run that counts is over; before it begins, never."""

    begin: asyncio.Barrier
    until: float = float("inf")


async def converse(url: str, key: str | None, number: int, clock: Clock, tally: Tally) -> None:
    """One conversation until the time is over; what ends later does not count.

    Conversations begin at different places of what they say, so that dear turns and cheap ones come mixed from the
    first second on; whoever begins with a follow-up first says, before the time begins, what that follows up.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    thread, last, ahead = f"conversation {number}", "", number % 2
    said = itertools.islice(turns(number), number % 4 - ahead, None)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE, trust_env=False) as client:
        for n, (question, shown, photo, checked) in enumerate(said):
            if n == ahead:
                await clock.begin.wait()
            start, reply = time.monotonic(), None
            while reply is None:
                try:
                    async for name, data in events(client, {"text": question, "thread": thread}, photo):
                        if name == "error":
                            tally.crossed.append(f"{thread}: {data}")
                            return
                        reply = data if name == "reply" else None
                except httpx.HTTPStatusError as error:
                    tally.refused[error.response.status_code] += 1
                    await asyncio.sleep(float(error.response.headers.get("retry-after", 1)))
                except httpx.TransportError as error:
                    tally.crossed.append(f"{thread}: {error!r}")
                    return
            if n >= ahead and time.monotonic() < clock.until:
                tally.seconds.append(time.monotonic() - start)
            photos = ",".join(reply["photos"])
            if wrong := crossed(thread, shown, reply, checked, photos, last if photo is None else ""):
                tally.crossed.append(wrong)
            last = photos


def crossed(thread: str, shown: Shown, reply: dict[str, Any], checked: bool, photos: str, last: str) -> str | None:
    """What in a reply is of somebody else's photo; `None` where nothing is."""
    if reply["thread"] != thread or len(reply["photos"]) != 1 or (last and photos != last):
        return f"{thread}: answered as {reply['thread']} about {photos}, after {last}"
    said = reply["text"].upper()
    others = [o.word for o in SHOWN if o.word and o is not shown and o.word in said]
    if others or (checked and shown.word and shown.word not in said):
        return f"{thread}: about {shown.file.name} it said {reply['text'][:200]!r}"
    skus = {match["sku"] for finding in reply["findings"] for match in finding["matches"]}
    if checked and shown.sku and skus and shown.sku not in skus:
        return f"{thread}: {shown.file.name} is {shown.sku}; it said {sorted(skus)}"
    return None


async def run(server: Server, keys: Sequence[str | None], conversations: int, seconds: float) -> Tally:
    """So many conversations at once for so long, and the memory of the server at its start and by the second."""
    tally, measured = Tally(), psutil.Process(server.pid)
    clock = Clock(asyncio.Barrier(conversations + 1))
    each = [
        asyncio.create_task(converse(server.url, keys[n % len(keys)], n, clock, tally)) for n in range(conversations)
    ]
    async with asyncio.timeout(PATIENCE + 10 * conversations):
        await clock.begin.wait()
    clock.until = time.monotonic() + seconds
    while time.monotonic() < clock.until:
        tally.memory.append(measured.memory_info().rss / 1e6)
        await asyncio.sleep(min(0.5, max(clock.until - time.monotonic(), 0)))
    for conversation in each:
        conversation.cancel()  # what would end later does not count
    ended = await asyncio.gather(*each, return_exceptions=True)
    tally.crossed += [repr(error) for error in ended if isinstance(error, Exception)]
    return tally


def _thirds(memory: Sequence[float]) -> tuple[float, float]:
    """The medians of the middle third and of the last: a single second shows the photos that are looked at in it."""
    third = len(memory) // 3
    return statistics.median(memory[third:-third]), statistics.median(memory[-third:])


def told(name: str, tally: Tally, seconds: float) -> None:
    """Print what came of a run."""
    times = np.array(tally.seconds or [np.nan])
    middle, end = _thirds(tally.memory)
    grown = end / middle - 1
    print(f"{name}: {len(tally.seconds)} turns in {seconds:.0f} s, {60 * len(tally.seconds) / seconds:.1f} a minute")
    print(f"  a turn takes {np.quantile(times, 0.5):.2f} s (p50), {np.quantile(times, 0.95):.2f} s (p95)")
    print(f"  refused, by status: {dict(tally.refused) or 'none'}")
    print(f"  memory {tally.memory[0]:.0f} MB at first; medians {middle:.0f} in the middle third,", end=" ")
    print(f"{end:.0f} in the last: {grown:+.1%} (below {FLAT:.0%} wanted)")
    print(f"  about somebody else's photo, or broken: {len(tally.crossed)}", *tally.crossed[:5], sep="\n    ")


def load(given: argparse.Namespace) -> int:
    """Many conversations against one alone; whether all was as wanted."""
    options = ["--at-once", str(given.at_once)] if given.at_once else []
    with tempfile.TemporaryDirectory() as scratch:
        indexed = shop(Path(scratch) / "indexed")
        alone, many = (Path(shutil.copytree(indexed, Path(scratch) / name)) for name in ("alone", "many"))
        with serving(alone, *options) as server:
            one = asyncio.run(run(server, [None], 1, given.seconds))
        told("one conversation alone", one, given.seconds)
        keys = tenants(many, indexed, given.tenants)
        with serving(many, *options) as server:
            all_ = asyncio.run(run(server, keys, given.conversations, given.seconds))
        told(f"{given.conversations} at once, {len(keys)} tenants", all_, given.seconds)
    middle, end = _thirds(all_.memory)
    flat = end < (1 + FLAT) * middle
    as_wanted = {
        "at least as many turns": len(all_.seconds) >= len(one.seconds),
        "nothing but 429 refused": set(all_.refused) <= {429},
        "no cross-talk": not all_.crossed and not one.crossed,
        "memory flat": flat,
    }
    for what, holds in as_wanted.items():
        print(f"{'yes' if holds else 'NO':4}{what}")
    return 0 if all(as_wanted.values()) else 1


async def first(url: str, question: str, photo: bytes, thread: str) -> tuple[float, float]:
    """Seconds from sending a turn to its first status and to its first sentence."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        await client.get("/health")  # the connection is there, as a page's is
        start, status, sentence = time.monotonic(), float("nan"), float("nan")
        async for name, _ in events(client, {"text": question, "thread": thread}, photo):
            now = time.monotonic() - start
            if name == "status" and status != status:
                status = now
            if name == "sentence" and sentence != sentence:
                sentence = now
        return status, sentence


def latency(given: argparse.Namespace) -> int:
    """How soon a turn says that it has begun, and its first sentence; whether both are as wanted."""
    files = [*sorted(SAMPLES.glob("*.jpg")), *sorted((SHOP / "photos").glob("*.jpg"))]
    kinds = {"ocr": READ, "identify": WHICH, "compare": SAME}
    rows: list[tuple[str, str, float, float]] = []
    with tempfile.TemporaryDirectory() as scratch, serving(shop(Path(scratch) / "home")) as server:
        for (n, file), (kind, question), again in itertools.product(
            enumerate(files[: given.photos]), kinds.items(), range(given.runs)
        ):
            photo = fresh(file, 1 + again + given.runs * list(kinds).index(kind))
            rows.append((file.name, kind, *asyncio.run(first(server.url, question, photo, f"{n} {kind} {again}"))))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{len(rows)} turns on {cores} core(s), each about a new photo; seconds, median of {given.runs} and worst")
    print(f"{'photo':32}{'':10}{'first status':>20}{'first sentence':>20}")
    for (name, kind), group in itertools.groupby(rows, key=lambda row: row[:2]):
        line(name, kind, list(group))
    for kind in kinds:
        line("all", kind, [row for row in rows if row[1] == kind])
    worst = max(row[2] for row in rows), max(row[3] for row in rows)
    wanted = (FIRST_STATUS, FIRST_SENTENCE)
    for what, seconds, most in zip(("first status", "first sentence"), worst, wanted, strict=True):
        print(f"{'yes' if seconds <= most else 'NO':4}{what} within {most} s: {seconds:.2f} s at worst")
    return 0 if all(seconds <= most for seconds, most in zip(worst, wanted, strict=True)) else 1


def line(name: str, kind: str, rows: Sequence[tuple[str, str, float, float]]) -> None:
    """Print a line of the table."""
    cells = "".join(
        f"{statistics.median(of):10.2f}{max(of):10.2f}" for of in ([r[2] for r in rows], [r[3] for r in rows])
    )
    print(f"{name:32}{kind:10}{cells}")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    loaded = kinds.add_parser("load")
    loaded.add_argument("--conversations", type=int, default=32)
    loaded.add_argument("--seconds", type=float, default=60)
    loaded.add_argument("--tenants", type=int, default=2)
    loaded.add_argument("--at-once", type=int, help="Calls that the server runs at once. [default: one a core]")
    loaded.set_defaults(does=load)
    timed = kinds.add_parser("latency")
    timed.add_argument("--runs", type=int, default=3)
    timed.add_argument("--photos", type=int, help="Only so many of the sample photos.")
    timed.set_defaults(does=latency)
    given = parser.parse_args()
    sys.exit(given.does(given))


if __name__ == "__main__":
    main()
