"""Put questions to one endpoint, each bounded, and note what goes wrong on the way.

What a reply is worth, `calibration` judges; here it is only found out whether one comes, and comes whole.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...prompts import instruct
from ..dialects.dialect import spoken
from ..errors import ModelFailed
from ..photos import Photos
from .contract import Problem
from .model import Model, Said, Turn
from .scenes import Scene
from .view import View, view

WHOLE = 1200.0
"""Seconds after which no further question is asked: a dozen questions to a server that takes all the patience of a
turn for each. One question may take as long as a whole turn of this model."""

SHORT, BOXES = 64, 256
"""Tokens for a few words, and for a few boxes or lines: a slow machine that talks on would take all the time there is
(on two cores, a model of 0.5 billion parameters writes near one a second)."""

_ROOM = 1000
"""Tokens for one that thinks or talks before it answers: as many as a search by the tools may take."""

_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))

Question = Callable[[Model, int], Said]
"""What is put to a model that has so many tokens for its reply."""

Facts = dict[str, Any]
"""What comes of some questions, as fields of the contract."""


class Blind(Exception):
    """The endpoint answers, and takes no images."""


class Asking:
    """The questions put to one endpoint, and what came of them.

    `found`: what is wrong with it; `said`: its replies; `right`: what it was right about; `blank`: the error of a reply
    without a word, which is a reply, if it is not the only kind.
    """

    def __init__(self, model: Model, scenes: Photos) -> None:
        """About these scenes."""
        self.model, self.scenes = model, scenes
        self.found: set[Problem] = set()
        self.said: list[Said] = []
        self.right: set[str] = set()
        self.blank: ModelFailed | None = None
        self._until = time.monotonic() + WHOLE
        self._in_a_row = 0
        self._room: int | None = None

    def view(self, scene: Scene) -> View:
        """A scene as this family is shown it."""
        return view(scene.photo, self.model.family)

    def ask(self, prompt: str, *scenes: Scene, tokens: int = SHORT) -> Said | None:
        """What it says to a prompt about some scenes; `None` where it does not."""
        views = [self.view(scene) for scene in scenes]
        system = instruct("system.en")  # as the tools send it
        return self.put(lambda model, limit: model.ask(prompt, views, self.scenes, tokens=limit, system=system), tokens)

    def put(self, question: Question, tokens: int = SHORT) -> Said | None:
        """What it says to a question, which gets a turn of its own; `None` where it does not.

        Raises `ModelFailed` where the endpoint is dead, `Blind` where it takes no images.
        """
        try:
            said = self.once(question, tokens)
        except ModelFailed as error:
            if error.reason != "late":  # which is slow, and noted
                self.found.add("failing")
            self._in_a_row += 1
            if self._in_a_row > 1:
                self._look_after(error)
            return None
        self._in_a_row = 0
        if said:
            self.said.append(said)
            if said.ended == "repeats":
                self.found.add("repeats")
            elif said.ended == "length" or cut(said.text):
                self.found.add("truncated")
        return said

    def once(self, question: Question, tokens: int = SHORT) -> Said | None:
        """What it says once it has thought, `None` where the time is over. Raises `ModelFailed`."""
        said = self._timed(question, max(tokens, self._room or 0))
        if said and said.ended == "length" and self._room is None:
            self._room = 0  # where more of it brings no end, it is given once
            with suppress(ModelFailed):
                said = self._timed(question, _ROOM) or said
            if said.ended == "end":
                self._room = _ROOM
        return said and replace(said, text=spoken(said.text))

    def _timed(self, question: Question, tokens: int) -> Said | None:
        now = time.monotonic()
        if now > self._until:
            self.found.add("slow")
            return None
        turn = Turn(deadline=min(now + self.model.patience, self._until))
        try:
            return question(self.model.during(turn), tokens)
        except ModelFailed as error:
            if error.reason == "empty":
                self.blank = error
                ms = 1000 * (time.monotonic() - now)
                return Said("", "end", ms, ms)
            if error.reason == "late":
                self.found.add("slow")
            raise

    def judge(self, what: str, said: Said | None, right: bool, problem: Problem | None = None) -> bool | None:
        """Whether a reply is right, `None` where there is none; a problem where it is wrong and came whole."""
        if said is None:
            return None
        if right:
            self.right.add(what)
        elif problem and said.ended == "end" and not cut(said.text):
            self.found.add(problem)
        return right

    def greet(self) -> Said | None:
        """A word without an image. Raises `ModelFailed`."""
        greeting = instruct("calibration.greeting")
        return self.once(lambda model, limit: model.ask(greeting, (), self.scenes, tokens=limit))

    def _look_after(self, error: ModelFailed) -> None:
        """Nothing came twice: it is dead unless it still answers, and blind where it then refuses every image."""
        if not self.model.family.turns:
            raise dead(self.model, error) from error
        try:
            self.greet()
        except ModelFailed as again:
            raise dead(self.model, again) from again
        if not self.said:
            if error.status not in (0, 429):
                raise Blind from error
            raise dead(self.model, error) from error


def dead(model: Model, error: ModelFailed) -> ModelFailed:
    """The error of an endpoint that gives no answer, with what to try."""
    where = f" at {model.server}" if model.server else ""
    status = error.status
    if error.reason == "late":
        advice = f"Look whether the server{where} is still loading the model, or has hung."
    elif status in (401, 403):
        advice = "Give its key in SIGHTLINE_API_KEY."
    elif status == 404:
        advice = f"Check the model's name and the server's address{where}, which mostly ends in /v1."
    elif status == 429:
        advice = "It takes no more requests for now: wait, or look at its limits."
    elif status:
        advice = f"The server{where} is there and reports an error: look into its log."
    elif unreached(error):
        advice = f"Look whether the server{where} is running."
    elif model.server:
        advice = f"What came is no chat completion: check the address {model.server}, which mostly ends in /v1."
    else:
        return error
    return ModelFailed(f"{str(error).rstrip('.')}. {advice}", error.reason, status, error.passing)


def unreached(error: ModelFailed) -> bool:
    """Whether nothing came at all, not even a refusal."""
    return error.reason == "late" or (error.passing and not error.status)


def cut(text: str) -> bool:
    """Whether a reply ends inside brackets that it opened."""
    return any(text.count(opening) > text.count(closing) for opening, closing in _BRACKETS)
