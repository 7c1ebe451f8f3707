"""What calibration found out of one endpoint: a contract of model, server and prompts, in plain JSON."""

import math
from typing import Literal

from pydantic.dataclasses import dataclass

from ... import prompts
from ..dialects import DIALECTS, Dialect, Frame
from ..types import Size
from .families import Family

Problem = Literal[
    "images_refused",
    "images_ignored",
    "images_swapped",
    "images_mixed",
    "images_fused",
    "axes_swapped",
    "resized",
    "other_scale",
    "other_dialect",
    "no_boxes",
    "few_boxes",
    "never_absent",
    "no_count",
    "no_text",
    "truncated",
    "repeats",
    "garbage",
    "failing",
    "slow",
    "no_json",
    "no_json_mode",
    "no_tools",
]
"""What may be wrong with an endpoint; `doctor.problem.` in `prompts/answers` says each in plain words."""

Scale = Literal["dialect", "unit", "thousand", "sent", "longest", "square", "area"]
"""What the numbers of a box span: as the dialect says; 0..1; 0..1000; pixels of the image sent; pixels of that image
after the server shrank it to a longest side, squeezed it into a square, or shrank it to an area."""


@dataclass(frozen=True)
class Contract:
    """How an endpoint writes boxes and what it can be trusted with. What nobody asked, or got no answer to, is `None`.

    `model`, `server` ("" for one in this process) and `prompts` (their version) name what was measured. `swapped`:
    the axes come the other way round than the dialect has them. `side`: pixels of the longest side, of the square, or
    of a square of that area. `images`: how many it may be sent in one request, `None` for no limit known. `sees`: what
    it says depends on the image. `boxes`: it finds things, as boxes or, in a dialect without, as points. `order`: it
    tells two images apart; `fuses`: not where they are of one size. `counts`, `reads`: a few shapes, a printed number.
    `json`: asked for in words; `json_mode`, `tools`: by the server's own means. `first_ms`, `ms`: median milliseconds
    to the first token and to the last of a short reply.
    """

    model: str
    server: str
    prompts: str
    dialect: str
    scale: Scale = "dialect"
    swapped: bool = False
    side: int | None = None
    images: int | None = None
    sees: bool | None = None
    boxes: bool | None = None
    order: bool | None = None
    fuses: bool | None = None
    counts: bool | None = None
    reads: bool | None = None
    json: bool | None = None
    json_mode: bool | None = None
    tools: bool | None = None
    first_ms: float | None = None
    ms: float | None = None
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise ValueError(f"expected one of {', '.join(DIALECTS)}; got {self.dialect!r}")
        if (self.scale in ("longest", "square", "area")) != bool(self.side and self.side > 0):
            raise ValueError(f"expected a side in pixels with a scale that has one; got {self.scale}, {self.side}")

    def frame(self, seen: Size) -> Frame:
        """What the numbers of this endpoint span for an image of this size as it was sent, in pixels."""
        usual = DIALECTS[self.dialect].frame(seen)
        return Frame(seen, self._extent(seen) or usual.extent, usual.swapped != self.swapped)

    def shrunk(self, seen: Size) -> float:
        """What the server leaves of the sides of an image of this size, 0..1; of a square, the mean of both."""
        if not self.side:
            return 1.0
        return min(self.side / (max(seen) if self.scale == "longest" else math.sqrt(seen.width * seen.height)), 1.0)

    def _extent(self, seen: Size) -> tuple[float, float] | None:
        """What stands for the right edge and for the bottom; `None` where the dialect knows."""
        if self.scale == "dialect":
            return None
        if self.scale in ("unit", "thousand"):
            return (1.0, 1.0) if self.scale == "unit" else (1000.0, 1000.0)
        if self.scale == "square" and self.side:
            return float(self.side), float(self.side)
        shrunk = self.shrunk(seen)
        return seen.width * shrunk, seen.height * shrunk


def key(model: str, server: str) -> tuple[str, str, str]:
    """What a contract is known by: the model, its server, and the version of the prompts it was asked with."""
    return model, server.rstrip("/"), prompts.version()


def speaks(family: Family, contract: Contract | None) -> Dialect:
    """How boxes are written: as calibration found, else as the family does."""
    return DIALECTS[contract.dialect if contract else family.dialect]
