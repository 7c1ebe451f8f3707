"""A finished photo with what a person would say of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .camera import Camera
from .lens import Picture, develop, window_light
from .scene import Scene, Seen

Facts = dict[str, object]
"""Values by `FieldName` of the package, normalised as `Fact.value` is; or a value with alternatives."""


@dataclass(frozen=True)
class Shot:
    """A finished photo and its truth; `pixels` are upright.

    `unreadable`: a person cannot read any of its text, so that there is none to be asked for.
    """

    pixels: Picture
    seen: list[Seen]
    description: str
    language: str
    fields: Facts = field(default_factory=dict)
    quality: Literal["good", "poor", "retake"] = "good"
    orientation: int = 1
    mirrored: bool = False
    unreadable: bool = False


def begin(seed: int, camera: Camera) -> Scene:
    """An empty scene; the same seed gives the same photo."""
    return Scene(camera, np.random.default_rng(seed))


def finish(scene: Scene, description: str, language: str, fields: Facts | None = None, light: float = 0.18) -> Shot:
    """Develop a scene as a good photo; `light` is how much the window's light falls off."""
    photo = develop(window_light(scene.canvas, light), scene.rng, exposure=1.03)
    return Shot(photo, scene.sight(), description, language, fields or {})
