"""The typefaces of the samples, found by name; none of them is shipped."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont


class Face(NamedTuple):
    """Where a typeface lives on Debian, which package brings it, and its place in a collection."""

    path: str
    package: str
    place: int = 0


_NOTO = "/usr/share/fonts/opentype/noto/Noto"
_WENKAI = "/usr/share/fonts/truetype/lxgw-wenkai/LXGWWenKai-"
_DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVu"

# In the Noto CJK collections the third face is the one with mainland Chinese shapes.
FACES: dict[str, Face] = {
    "sans": Face(f"{_NOTO}SansCJK-Regular.ttc", "fonts-noto-cjk", 2),
    "sans-bold": Face(f"{_NOTO}SansCJK-Bold.ttc", "fonts-noto-cjk", 2),
    "serif": Face(f"{_NOTO}SerifCJK-Regular.ttc", "fonts-noto-cjk", 2),
    "serif-bold": Face(f"{_NOTO}SerifCJK-Bold.ttc", "fonts-noto-cjk", 2),
    "brush": Face(f"{_WENKAI}Regular.ttf", "fonts-lxgw-wenkai"),
    "brush-bold": Face(f"{_WENKAI}Bold.ttf", "fonts-lxgw-wenkai"),
    "sign": Face(f"{_DEJAVU}Sans-Bold.ttf", "fonts-dejavu-core"),
    "mono": Face(f"{_DEJAVU}SansMono.ttf", "fonts-dejavu-core"),
    "mono-bold": Face(f"{_DEJAVU}SansMono-Bold.ttf", "fonts-dejavu-core"),
}


@lru_cache(maxsize=256)
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """The typeface `name` of `FACES`, `size` pixels high; `FileNotFoundError` says what to install."""
    face = FACES[name]
    if not Path(face.path).is_file():
        raise FileNotFoundError(
            f"the typeface {name!r} was expected at {face.path} and is not there; try: apt-get install {face.package}"
        )
    return ImageFont.truetype(face.path, size, index=face.place)
