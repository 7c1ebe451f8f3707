"""Where in a photo something is, in nine words, thirds by the middle of its box; which way it points, in eight."""

from ..tools.types import Box, Size

PLACES = tuple(f"{row}_{column}" for row in ("upper", "middle", "lower") for column in ("left", "centre", "right"))


def place(box: Box, size: Size) -> str:
    """One of `PLACES` for a box in a photo of this size, both in pixels of the upright original."""
    x, y = box.centre
    column = min(int(3 * x / size.width), 2)
    row = min(int(3 * y / size.height), 2)
    return PLACES[3 * row + column]


HEADINGS = ("up", "upper_right", "right", "lower_right", "down", "lower_left", "left", "upper_left")


def heading(degrees: float) -> str:
    """One of `HEADINGS` for degrees clockwise from straight up in the photo: the nearest of eight."""
    return HEADINGS[round(degrees / 45) % 8]
