"""Look a second time for what a model named, and ask it about its own words the other way round.

Each thing is looked for by its name alone, in the whole photo and then in each place by itself; what covers the place
is measured in its pixels. Nothing is judged here: what a second look comes to is for the ledger.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..prompts import lexicon
from .colour import prevailing
from .errors import ModelFailed
from .models.model import Model
from .photos import pixels
from .seeing import look_for, shows, tell, written_in
from .types import Box, Direction, Glance, Photo, Region, Sentence

_THINGS = 8
_PLACES = 4
_REQUESTS = 30
"""Things that are looked for, places of one thing that are looked at by themselves, and requests for one description:
more would take longer than anybody waits. What is left over stays unverified."""

_SAME = 0.4
"""Share of what either covers that two boxes have in common, from which on they are one thing that was named twice."""

_BARE, _FAINT, _WIDTH = 12.0, 25.0, 96
"""Steps of grey (of 255) a pixel, at a width of 96, below which 19 in 20 places of a box lie where it holds nothing but
a wall or the blur behind things, and below which that is in doubt. Things in the sample photos have 39 and above, walls
and sky mostly 2 to 25."""

_AROUND = 0.08  # share of a box's sides that is looked at around it


@dataclass
class _Budget:
    left: int = _REQUESTS

    def spend(self) -> None:
        """Raises `ModelFailed` where nothing is left."""
        if not self.left:
            raise ModelFailed("No more is asked of the model for this description.", "late")
        self.left -= 1


def glances(
    model: Model, photo: Photo, sentences: Sequence[Sentence], assumed: Iterable[str], language: str
) -> tuple[Glance, ...]:
    """A second look for each thing that a question takes for granted or a sentence names; each once, in that order.

    A model that does not say where things are is not asked: then each is `not_looked`.
    """
    named = [a.value for sentence in sentences for a in sentence.asserts if a.kind == "thing"]
    things = list({thing.casefold(): thing for thing in reversed([*assumed, *named])}.values())[::-1]
    pointing = {a.of for sentence in sentences for a in sentence.asserts if a.kind == "direction"}
    budget, found = _Budget(), list[Glance]()
    for thing in things:
        glance = Glance(thing, "not_looked")
        if len(found) < _THINGS and budget.left and model.grounds:
            try:
                glance = _glance(model, photo, thing, language, budget, pointing=thing in pointing)
            except ModelFailed:
                budget.left = 0
        found.append(glance)
    return tuple(found)


def turned_round(model: Model, photo: Photo, sentences: Sequence[Sentence], language: str) -> tuple[Sentence, ...]:
    """The sentences, each with whether the model stands by it when it is asked what is wrong with it."""
    asked: list[Sentence] = []
    failed = not model.family.turns
    for sentence in sentences:
        try:
            agrees = None if failed or not sentence.text else _agrees(model, photo, sentence.text, language)
        except ModelFailed:
            failed, agrees = True, None
        asked.append(replace(sentence, agrees=agrees))
    return tuple(asked)


def _agrees(model: Model, photo: Photo, text: str, language: str) -> bool | None:
    said = tell(model, photo, "turned", language, said=text.replace("“", "'").replace("”", "'")).text
    plain = said.strip().strip("*\"'“”. ").casefold()
    known, written = lexicon("asserting"), written_in(language)
    # The longer word first: one may begin with the other.
    answers = sorted(
        ((word, key) for key in ("yes", "no") for word in known[f"{written}.{key}"]), key=lambda pair: -len(pair[0])
    )
    key = next((key for word, key in answers if plain.startswith(word)), None)
    return None if key is None else key == "no"


def _glance(model: Model, photo: Photo, thing: str, language: str, budget: _Budget, *, pointing: bool) -> Glance:
    budget.spend()
    found = look_for(model, photo, thing, language, model.dialect.places)
    seen = pixels(photo)
    edges = [(region, _edges(seen, region.box)) for region in _apart(found.regions)]
    regions = [region for region, steps in edges if steps >= _FAINT]
    doubtful = any(_BARE <= steps < _FAINT for _, steps in edges)
    kept: list[Region] = []
    for n, region in enumerate(regions):
        # What is seen in a place by itself is seen; where that cannot be told, the first look stands.
        if n < _PLACES and budget.left:
            budget.spend()
            if shows(model, photo, thing, language, region.box) is False:
                continue
        kept.append(replace(region, label=thing))
    ways: tuple[Direction, ...] = ()
    if kept and pointing and "direction" in model.dialect.kinds and budget.left:
        budget.spend()
        ways = look_for(model, photo, thing, language, "direction").directions
    outcome = found.outcome if kept or found.outcome != "found" else "unreadable" if doubtful else "absent"
    colours = tuple(prevailing(seen, region.box) if region.box.area else () for region in kept)
    return Glance(thing, outcome, tuple(kept), colours, ways, found.cut or doubtful)


def _edges(seen: NDArray[np.uint8], box: Box) -> float:
    """How steep the edges in a box are, its own with them, in steps of grey a pixel; of a point that is unknown."""
    import cv2

    if not box.area:
        return _FAINT
    dx, dy = _AROUND * box.width, _AROUND * box.height
    # A thing of one colour has no edge but its own.
    x0, y0 = round(max(box.x0 - dx, 0)), round(max(box.y0 - dy, 0))
    x1, y1 = round(box.x1 + dx), round(box.y1 + dy)
    grey = cv2.cvtColor(seen[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = min(_WIDTH / max(grey.shape), 1.0)
    if min(grey.shape) * scale >= 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
    steps = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4
    return float(np.percentile(steps, 95))


def _apart(regions: Sequence[Region]) -> list[Region]:
    """Each place once."""
    kept: list[Region] = []
    for region in regions:
        if not any(region.box.overlap(other.box) >= _SAME for other in kept):
            kept.append(region)
    return kept
