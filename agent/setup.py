"""The dialogue of `sightline setup`, which gets a person from nothing to a described photo.

It is made for listening: short sentences, one question at a time, and before anything that takes time it is said what
comes and how long. It prints nothing itself: it talks through `say` and `ask`. The setting is written last and at
once, so that whatever ends it early changes none; what was fetched and measured until then is kept.
"""

import os
import re
import shlex
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .. import prompts
from ..tools.errors import BadInput, SightlineError
from ..tools.models.contract import Contract
from ..tools.models.fetching import FILES, Unreachable, Weights, download, pull, weigh
from ..tools.models.machine import Machine, look
from .proposals import NONE, SMALL, Proposal, elsewhere, is_repository, named, proposals
from .reply import to_json
from .settings import Settings, read, writable, write

Say = Callable[[str], None]
Ask = Callable[[str], str]

Outcome = Literal["ready", "none", "declined", "offline", "failed", "stopped"]
"""How it ended: a model is set; there is none and need be none; the person did not want it; the hub cannot be reached;
the model cannot be fetched or does not work; cut short. All but the first two change no setting."""

_WORKS = {"next": "describe", "next_ask": "ask"}
_DOUBTED = {"next": "ocr", "next_other": "setup"}
_WITHOUT = {"next": "ocr"}
"""What to do next: the sentence for it, and the command that is said in it."""

_SPEED = 50  # megabits a second that times of downloads are said for
_STEP = 25  # percent


def _calibrated(proposal: Proposal, tell: Callable[[int, int], None]) -> Contract:
    from ..tools.models.calibration import STEPS, calibrate
    from ..tools.models.opening import open_model

    steps = list(STEPS)
    model = open_model(proposal.model or "", proposal.server)
    return calibrate(model, lambda step: tell(steps.index(step) + 1, len(steps)))


@dataclass(frozen=True)
class Hands:
    """What the dialogue does to the world: look at it, fetch from it, and try a model."""

    look: Callable[[], Machine] = look
    weigh: Callable[[str], Weights] = weigh
    download: Callable[[str, Weights, Callable[[float], None]], None] = download
    pull: Callable[[str, str, Callable[[float], None]], None] = pull
    calibrate: Callable[[Proposal, Callable[[int, int], None]], Contract] = _calibrated


HANDS = Hands()


@dataclass(frozen=True)
class Done:
    """How it ended, and what for. `file`: the settings, where they were written. `next`: commands to type."""

    outcome: Outcome
    machine: Machine | None = None
    proposals: tuple[Proposal, ...] = ()
    chosen: Proposal | None = None
    contract: Contract | None = None
    why: str = ""
    file: Path | None = None
    next: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain: dict[str, Any] = to_json(self)
        return plain


class _Enough(Exception):
    """The dialogue is over."""


class Setup:
    """One dialogue. `yes` takes every proposal without asking, and insists on nothing."""

    def __init__(self, home: Path | None, language: str, say: Say, ask: Ask, *, yes: bool = False) -> None:
        """`home`: where to write the setting; `None` for the one that is set. Raises `BadInput` where it cannot be."""
        self._home = Settings.of(home).home
        if not writable(self._home):  # found out before hours of download
            raise BadInput(f"Expected a home that can be written; {self._home} cannot. Choose another with --home.")
        self._options = f" --home {shlex.quote(str(home))}" if home else ""
        self._language, self._say, self._ask, self._yes = language, say, ask, yes
        self._done = Done("stopped")

    def run(self, hands: Hands, model: str | None = None, server: str | None = None) -> Done:
        """Hold it, about the model and the server named or else about what fits. Raises `BadInput`."""
        way = named(model, server)
        try:
            self._tell("hello")
            way = way or self._choose(self._look(hands))
            self._done = replace(self._done, chosen=way)
            if way.way == "none":
                self._without()
            else:
                self._settle(way, hands)
        except _Enough:
            pass
        except (KeyboardInterrupt, EOFError):
            if self._done.outcome == "stopped":
                self._tell("stopped")
        return self._done

    def _look(self, hands: Hands) -> tuple[Proposal, ...]:
        self._tell("looking")
        machine = hands.look()
        if machine.gpu:
            self._tell("gpu", name=machine.gpu.name, gigabytes=_number(machine.gpu.gigabytes))
        else:
            self._tell("no_gpu")
        self._tell("room", memory=_number(machine.memory), disk=_number(machine.disk))
        for each in machine.servers:
            self._tell("server", program=self._program(each.program), n=len(each.models))
        if not machine.servers:
            self._tell("no_server")
        kept = read(self._home)
        known = Proposal("kept", kept["model"], kept.get("server") or None) if kept.get("model") else None
        ways = proposals(machine, known)
        self._done = replace(self._done, machine=machine, proposals=ways)
        return ways

    def _choose(self, ways: tuple[Proposal, ...]) -> Proposal:
        if ways == (NONE,):
            self._tell("nothing_fits", memory=_number(2 * SMALL[1]), disk=_number(SMALL[1]))
            return NONE
        self._tell("choices", n=len(ways))
        for number, way in enumerate(ways, 1):
            self._tell("choice", n=number, way=self._text(f"way.{way.way}", **self._slots(way)))
        if self._yes:
            self._tell("taken")
            return ways[0]
        question = self._text("choose")
        while True:
            answer = _typed(self._ask(question))
            if not answer:
                return ways[0]
            # One character: a digit of any script, as 1 or 一.
            number = int(unicodedata.numeric(answer, 0)) if len(answer) == 1 else 0
            if 1 <= number <= len(ways):
                return ways[number - 1]
            question = self._text("choose_again", answer=answer, n=len(ways))

    def _settle(self, way: Proposal, hands: Hands) -> None:
        """Fetch the model, try it, and write the setting."""
        host = elsewhere(way)
        if host:
            self._tell("remote", host=host)
            self._agree("remote_ok")
        if way.way == "ollama":
            self._pull(way, hands)
        elif is_repository(way):
            self._download(way, hands)
        works = self._tried(way, hands)
        if self._done.contract:
            from ..memory.contracts import keep

            keep(self._done.contract, self._home)
        file = write(self._home, way.model, way.server)
        self._done = replace(self._done, outcome="ready", file=file)
        self._tell("written" if works else "doubted", model=way.short)
        self._go_on(way, _WORKS if works else _DOUBTED)

    def _without(self) -> None:
        file = write(self._home, None, None) if read(self._home).get("model") else None
        self._done = replace(self._done, outcome="none", file=file)
        self._tell("without")
        self._go_on(NONE, _WITHOUT)

    def _go_on(self, way: Proposal, steps: Mapping[str, str]) -> None:
        """Say what to do next, and before that what stands in the way of the choice."""
        commands = {key: self._text(f"command.{name}", options=self._options) for key, name in steps.items()}
        self._done = replace(self._done, next=tuple(commands.values()))
        opened = Settings.of(self._home)
        if (opened.model, opened.server if opened.model else None) != (way.model, way.server):
            self._tell("environment")
        for key, command in commands.items():
            self._tell(key, command=command)

    def _download(self, way: Proposal, hands: Hands) -> None:
        self._tell("asking_hub", model=way.short)
        try:
            weights = hands.weigh(way.name)
            if not weights.missing:
                self._tell("there")
                return
            self._tell("download", **_effort(weights.missing))
            self._agree("download_ok")
            hands.download(way.name, weights, self._progress())
        except Unreachable as error:
            self._say_offline(way)
            raise self._end("offline", _why(error)) from error
        except SightlineError as error:
            self._tell("fetch_failed", said=_aloud(error))
            raise self._end("failed", _why(error)) from error
        self._tell("fetched")

    def _say_offline(self, way: Proposal) -> None:
        """Say what would be done, and what to do instead."""
        again = self._text("command.setup", options=self._options)
        files = " ".join(f'--include "{pattern}"' for pattern in FILES)
        fetch = f"hf download {way.name} {files} --local-dir {way.short}"
        then = f"{again} --model transformers:{way.short}"
        self._done = replace(self._done, next=(again, fetch, then))
        self._tell("offline")
        self._tell("offline_would", model=way.short)
        if way.download:
            self._tell("offline_size", gigabytes=_number(way.download))
        for key, command in zip(("again", "fetch", "then"), self._done.next, strict=True):
            self._tell(f"offline_{key}", command=command)

    def _pull(self, way: Proposal, hands: Hands) -> None:
        self._tell("pull", command=f"ollama pull {way.name}", **_effort(way.download))
        self._agree("download_ok")
        try:
            hands.pull(way.server or "", way.name, self._progress())
        except SightlineError as error:
            self._tell("fetch_failed", said=_aloud(error))
            raise self._end("failed", _why(error)) from error
        self._tell("fetched")

    def _tried(self, way: Proposal, hands: Hands) -> bool:
        """Whether it sees, said aloud; it goes on where the model does, or the person insists."""
        self._tell("test")
        try:
            contract = hands.calibrate(way, lambda n, of: self._tell("testing", n=n, of=of))
        except BadInput:
            raise
        except Exception as error:  # whatever goes wrong in a model that nobody has seen is said, and ends nothing
            self._done = replace(self._done, why=_why(error))
            self._tell("dead", said=_aloud(error))
        else:
            self._done = replace(self._done, contract=contract)
            wrong = _wrong(contract)
            if wrong is None:
                self._tell("sees", seconds=_number((contract.ms or 0.0) / 1000))
                if contract.problems:
                    self._tell("weak", n=len(contract.problems), command=f"sightline doctor{self._options}")
                return True
            self._tell(wrong)
        if not self._agreed("insist", default=False):
            self._tell("unchanged")
            raise self._end("failed", self._done.why)
        return False

    def _end(self, outcome: Outcome, why: str = "") -> _Enough:
        self._done = replace(self._done, outcome=outcome, why=why)
        return _Enough()

    def _agree(self, key: str) -> None:
        if not self._agreed(key, default=True):
            self._tell("unchanged")
            raise self._end("declined")

    def _agreed(self, key: str, *, default: bool) -> bool:
        if self._yes:
            return default
        meanings = dict.fromkeys(self._text("words.yes").split(), True)
        meanings |= dict.fromkeys(self._text("words.no").split(), False)
        question = self._text(key)
        while True:
            answer = _typed(self._ask(question)).casefold()
            if not answer:
                return default
            if answer in meanings:
                return meanings[answer]
            question = self._text("yes_again", answer=answer)

    def _progress(self) -> Callable[[float], None]:
        """Say each quarter that has come, and how long the rest may take."""
        start, said = time.monotonic(), 0

        def tell(share: float) -> None:
            nonlocal said
            percent = int(100 * share) // _STEP * _STEP
            if not said < percent < 100:
                return
            said = percent
            minutes = round((time.monotonic() - start) * (1 - share) / share / 60)
            if minutes < 2:
                self._tell("percent", percent=percent)
            else:
                self._tell("percent_left", percent=percent, minutes=minutes)

        return tell

    def _slots(self, way: Proposal) -> dict[str, object]:
        """What the sentence about a way is filled with."""
        if way.way == "kept":
            return {"model": way.short}
        if way.way == "served":
            return {"model": way.short, "program": self._program(way.program)}
        return {"model": way.short, "gigabytes": _number(way.download)} if way.model else {}

    def _program(self, name: str) -> str:
        return name.replace("/", prompts.say(self._language, "list.or").strip())

    def _text(self, key: str, **slots: object) -> str:
        return prompts.say(self._language, f"setup.{key}", **slots)

    def _tell(self, key: str, **slots: object) -> None:
        self._say(self._text(key, **slots))


def _typed(line: str) -> str:
    """What was typed, or dictated, which puts a stop after it."""
    return line.strip().rstrip(".,!。，！").rstrip() or line.strip()


def _wrong(contract: Contract) -> str | None:
    """The sentence for a model that is not to be set; `None` for one that sees."""
    if "images_refused" in contract.problems:
        return "blind"
    if contract.ms is None:
        return "silent"
    if "garbage" in contract.problems:
        return "garbage"
    return {True: None, False: "blind", None: "unsure"}[contract.sees]


def _effort(gigabytes: float) -> dict[str, object]:
    """How much a download is, and how long it takes, as it is said."""
    minutes = max(round(gigabytes * 8000 / _SPEED / 60), 2)
    return {"gigabytes": _number(gigabytes), "speed": _SPEED, "minutes": minutes}


def _number(value: float) -> str:
    """A number as it is spoken: one decimal where it is small."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _why(error: Exception) -> str:
    """What an error says; not the key, which some servers repeat when they refuse it."""
    key = os.environ.get("SIGHTLINE_API_KEY")
    said = str(error) or type(error).__name__
    return said.replace(key, "…") if key else said


def _aloud(error: Exception) -> str:
    """What an error says, as a sentence to listen to: without addresses, or the JSON or page that a server sent."""
    text = re.sub(r"( at)? https?://[^\s,]+|\[[^]]*\]|`", "", " ".join(_why(error).split()))
    text = re.sub(r"[\s-]*[{<](.*[}>]|[^.]*)", "", text)[:300]
    return f"{' '.join(text.split()).rstrip('.') or type(error).__name__}."
