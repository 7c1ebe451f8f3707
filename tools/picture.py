"""Draw a finding on its photo: outlines and numbers, so that a person sees what an answer rests on.

The labels stand in the legend beside the picture and not on it, where they would hide what they name.
"""

import io
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .types import Box, Photo, Region, Size

Pixels = NDArray[np.uint8]
Written = TypeVar("Written")

# Eight colours that people with any colour vision tell apart, black left out. Source: Okabe and Ito,
# Color Universal Design (2008).
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")


def annotate(pixels: Pixels, regions: Sequence[Region]) -> Pixels:
    """A copy of an RGB photo `(h, w, 3)` with each region outlined and numbered from 1, in the order given."""
    import supervision as sv

    scene = np.ascontiguousarray(pixels[:, :, ::-1]).copy()
    if not regions:
        return np.ascontiguousarray(scene[:, :, ::-1])
    unit = max(pixels.shape[:2]) / 1000
    palette = sv.ColorPalette.from_hex(list(_COLOURS))
    for n, region in enumerate(regions):
        corners = region.quad or region.box.corners
        polygon = np.array([[round(p[0]), round(p[1])] for p in corners], np.int64)
        scene = sv.draw_polygon(scene, polygon, color=sv.Color.WHITE, thickness=max(round(5 * unit), 3))
        scene = sv.draw_polygon(scene, polygon, color=palette.by_idx(n), thickness=max(round(3 * unit), 2))
    taken = [region.box for region in regions]
    for n, region in enumerate(regions):
        tag = _free(region.box, 34 * unit, 30 * unit, taken, Size(pixels.shape[1], pixels.shape[0]))
        taken.append(tag)
        scene = sv.draw_filled_rectangle(
            scene, sv.Rect(int(tag.x0), int(tag.y0), int(tag.width), int(tag.height)), palette.by_idx(n)
        )
        scene = written(
            sv.draw_text,
            scene,
            str(n + 1),
            sv.Point(int(tag.centre.x), int(tag.centre.y)),
            text_color=sv.Color.WHITE if _is_dark(palette.by_idx(n).as_rgb()) else sv.Color.BLACK,
            text_scale=0.7 * unit,
            text_thickness=max(round(2 * unit), 1),
        )
    return np.ascontiguousarray(scene[:, :, ::-1])


def written(write: Callable[..., Written], *given: Any, **named: Any) -> Written:
    """What a function comes to that writes with OpenCV, called in the one thread of this process that does.

    OpenCV unpacks its typeface anew in every thread that writes, which takes 40 ms, and each turn has threads of
    its own.
    """
    return _pen(os.getpid()).submit(write, *given, **named).result()


@cache
def _pen(process: int) -> ThreadPoolExecutor:
    """The thread that writes; a process that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(1, f"pen-{process}")


def _free(box: Box, width: float, height: float, taken: Sequence[Box], size: Size) -> Box:
    """Where a number stands: beside its region and inside the photo, over as little of any region as can be."""
    middle = box.centre.y - height / 2
    places = [
        (box.x0 - width, middle),
        (box.x1, middle),
        (box.x0, box.y0 - height),
        (box.x1 - width, box.y0 - height),
        (box.x0, box.y1),
        (box.x1 - width, box.y1),
    ]
    inside = [
        Box(x, y, x + width, y + height)
        for x, y in ((min(max(x, 0.0), size.width - width), min(max(y, 0.0), size.height - height)) for x, y in places)
    ]
    return min(inside, key=lambda place: sum(place.shared(other) for other in taken))


def _is_dark(rgb: tuple[int, int, int]) -> bool:
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 128


def save(pixels: Pixels, path: Path) -> None:
    """Write an RGB image as JPEG, whole or not at all; makes the folder."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(out.getvalue())
    Path(part).replace(path)


_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "AVIF": "image/avif"}
"""What browsers show as it is."""


def upright(photo: Photo) -> tuple[bytes, str]:
    """A photo as a browser shows it upright, and its media type: as it is stored where that will do, else encoded anew.

    Raises `UnreadablePhoto` for bytes that no longer decode.
    """
    if photo.orientation == 1 and photo.format in _SHOWN:
        return photo.data, _SHOWN[photo.format]
    from PIL import Image

    from .photos import pixels

    lossy = photo.format in ("JPEG", "HEIF")
    out = io.BytesIO()
    Image.fromarray(pixels(photo)).save(out, "JPEG" if lossy else "PNG", **({"quality": 92} if lossy else {}))
    return out.getvalue(), "image/jpeg" if lossy else "image/png"
