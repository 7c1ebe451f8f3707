"""Read a photo from wherever it comes: checked, without metadata, named by its content.

What is kept is the encoded image itself; only formats whose metadata cannot be cut out without loss
(BMP, TIFF) and images already decoded are stored as PNG. No URL is fetched here.
"""

import base64
import binascii
import hashlib
import io
import re
import stat
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from .errors import UnknownPhoto, UnreadablePhoto
from .metadata import NotStrippable, strip
from .types import Photo, PhotoId, Size

Pixels = NDArray[np.uint8]
Source = str | Path | bytes | Image.Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
_NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF"


@dataclass(frozen=True)
class Limits:
    """What a photo may weigh: encoded bytes, and pixels once decoded (checked before decoding)."""

    bytes: int = 50_000_000
    pixels: int = 80_000_000


LIMITS = Limits()


class Photos(Protocol):
    """Photos by id."""

    def get(self, photo: PhotoId) -> Photo:
        """The photo; `UnknownPhoto` where there is none."""
        ...


class AtHand:
    """Photos that are at hand already, whether or not anybody keeps them."""

    def __init__(self, *photos: Photo) -> None:
        """Those that a request may refer to."""
        self._photos = {photo.id: photo for photo in photos}

    def get(self, photo: PhotoId) -> Photo:
        """See `Photos.get`."""
        try:
            return self._photos[photo]
        except KeyError:
            raise UnknownPhoto(f"Expected a photo that is at hand; got {photo}.") from None


# First bytes of things that are sent in place of photos, and what to call them.
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "a PostScript document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
)
# Brands of ISO media files that hold pictures and not a film. Source: the MP4 registration authority.
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"mif2")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_CACHE_BYTES = 96_000_000
_cache: OrderedDict[str, Pixels] = OrderedDict()
_lock = threading.Lock()
# Warning filters belong to the whole process, so one photo at a time sets them.
_opening = threading.RLock()


def file_name(source: Source | Photo) -> str | None:
    """The name of the file that a photo comes from; `None` where it comes from none."""
    named = isinstance(source, Path) or (isinstance(source, str) and source != "-" and source[:5].lower() != "data:")
    return Path(str(source)).name if named else None


def load(source: Source, limits: Limits = LIMITS) -> Photo:
    """Read a photo from a path, bytes, a PIL image, a data URI, or `-` for standard input.

    It is decoded once to be sure of it. Raises `UnreadablePhoto`, which names the source and says
    what was found there.
    """
    if isinstance(source, Image.Image):
        return _encode(source, "the image given", limits)
    data, name = _fetch(source, limits)
    return _photo(data, name, limits)


def reopen(data: bytes, photo: PhotoId) -> Photo:
    """The photo whose stored bytes these are, known by its id; only the header is read.

    Raises `UnreadablePhoto` where even that is damaged.
    """
    with _Opened(data, photo) as image:
        return _described(photo, data, image)


def pixels(photo: Photo) -> Pixels:
    """The upright photo as read-only RGB, shape `(height, width, 3)`; transparency shows white.

    Colours are converted to sRGB where the file brings a profile. Raises `UnreadablePhoto` for
    bytes that no longer decode.
    """
    with _lock:
        if photo.id in _cache:
            _cache.move_to_end(photo.id)
            return _cache[photo.id]
    image = _decode(photo.data, photo.id)
    array = np.asarray(_upright(image, photo.orientation))
    array.setflags(write=False)
    _remember(photo.id, array)
    return array


def _remember(key: str, array: Pixels) -> None:
    with _lock:
        _cache[key] = array
        while sum(a.nbytes for a in _cache.values()) > _CACHE_BYTES and len(_cache) > 1:
            _cache.popitem(last=False)


def _fetch(source: str | Path | bytes, limits: Limits) -> tuple[bytes, str]:
    """The bytes of a source and what to call it in a message."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "the bytes given"
    if not isinstance(source, str | Path):
        raise UnreadablePhoto(
            f"Expected a photo as a path, bytes, a PIL image or a data URI; got {type(source).__name__}."
        )
    text = str(source)
    if text == "-":
        return sys.stdin.buffer.read(limits.bytes + 1), "standard input"
    if text[:5].lower() == "data:":
        return _data_uri(text), "the data URI"
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        raise UnreadablePhoto(
            f"Expected a photo, not an address: {_shown(text)} is not fetched. Download it and give the file."
        )
    return _file(Path(text), limits), _shown(text)


def _file(path: Path, limits: Limits) -> bytes:
    name = _shown(str(path))
    try:
        mode = path.stat()
        if stat.S_ISDIR(mode.st_mode):
            raise UnreadablePhoto(f"Expected a photo; {name} is a folder. Name the files in it.")
        if not stat.S_ISREG(mode.st_mode):
            raise UnreadablePhoto(f"Expected a photo; {name} is a pipe or a device, not a file.")
        if mode.st_size > limits.bytes:
            raise _too_heavy(name, mode.st_size, limits)
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadablePhoto(f"Expected a photo; there is no file {name}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadablePhoto(f"Expected a photo; {name} cannot be opened: {reason}.") from error


def _data_uri(text: str) -> bytes:
    head, comma, body = text.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise UnreadablePhoto("Expected a data URI as data:image/…;base64,…; got one without base64 data.")
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadablePhoto(f"Expected base64 in the data URI; it does not decode ({error}).") from error


def _shown(name: str) -> str:
    """A file name as data: quoted, with what does not print escaped, and cut where it is endless."""
    cut = name if len(name) <= 200 else f"…{name[-200:]}"
    return cut if cut.isprintable() else ascii(cut)


def _too_heavy(name: str, size: int, limits: Limits) -> UnreadablePhoto:
    return UnreadablePhoto(
        f"Expected a photo of at most {limits.bytes:,} bytes; {name} has {size:,}. Send a smaller copy."
    )


def _photo(data: bytes, name: str, limits: Limits) -> Photo:
    if not data:
        raise UnreadablePhoto(f"Expected a photo; {name} is empty.")
    if len(data) > limits.bytes:
        raise _too_heavy(name, len(data), limits)
    _refuse_others(data, name)
    form, orientation = _head(data, name, limits)
    try:
        kept = strip(data, form, orientation)
    except NotStrippable:
        kept = None
    if kept is not None:
        try:
            return _stored(kept, _decode(kept, name))
        except UnreadablePhoto:
            # The container may be odd where the image is not: the original decides whether it is a photo.
            pass
    return _encode(_decode(data, name), name, limits)


def _refuse_others(data: bytes, name: str) -> None:
    what = next((words for magic, words in _OTHERS if data.startswith(magic)), None)
    if what is None and data[4:8] == b"ftyp" and not any(b in data[8:64] for b in _PICTURE_BRANDS):
        what = "a video or a recording"
    if what is None:
        start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"<!doctype html", b"<html")):
            what = "a web page"
        elif start.startswith((b"<svg", b"<?xml")):
            what = "an SVG drawing or another XML text"
    if what is not None:
        raise UnreadablePhoto(f"Expected a photo ({_NAMES}); {name} is {what}.")


def _head(data: bytes, name: str, limits: Limits) -> tuple[str, int]:
    """Format and orientation, from the header alone; refuses what would decode to too much."""
    with _Opened(data, name) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise UnreadablePhoto(
                f"Expected a photo of at most {limits.pixels:,} pixels; {name} has {width} x {height}."
            )
        if width < 1 or height < 1:
            raise UnreadablePhoto(f"Expected a photo; {name} has no pixels ({width} x {height}).")
        return str(image.format), _orientation(image)


class _Opened:
    """Open with Pillow: only our formats, its warnings unheard, its many errors turned into ours."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name

    def __enter__(self) -> Image.Image:
        _opening.acquire()
        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        warnings.simplefilter("ignore")
        try:
            _register()
            return Image.open(io.BytesIO(self._data), formats=FORMATS)
        except BaseException as error:
            self._leave()
            raise self._refusal(error) from error

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._leave()
        if isinstance(error, Exception) and not isinstance(error, UnreadablePhoto):
            raise self._refusal(error) from error

    def _leave(self) -> None:
        self._quiet.__exit__(None, None, None)
        _opening.release()

    def _refusal(self, error: BaseException) -> BaseException:
        if isinstance(error, Image.DecompressionBombError):
            return UnreadablePhoto(f"Expected a photo; {self._name} would decode to far too many pixels.")
        if isinstance(error, UnidentifiedImageError):
            return UnreadablePhoto(
                f"Expected a photo ({_NAMES}); {self._name} is none of these, or its start is damaged."
            )
        if isinstance(error, Exception):
            return UnreadablePhoto(f"Expected a whole photo; {self._name} is truncated or damaged ({error}).")
        return error


def _register() -> None:
    if "HEIF" not in Image.OPEN:
        from pillow_heif import register_heif_opener

        Image.init()
        register_heif_opener()


def _decode(data: bytes, name: str) -> Image.Image:
    with _Opened(data, name) as image:
        image.load()
        return image


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; of HEIF, whose pixels come turned already, the opener gives 1."""
    value = image.getexif().get(0x0112, 1)
    return value if value in range(1, 9) else 1


def _stored(kept: bytes, image: Image.Image) -> Photo:
    photo = _described(f"sha256:{hashlib.sha256(kept).hexdigest()}", kept, image)
    array = np.asarray(_upright(image, photo.orientation))
    array.setflags(write=False)
    _remember(photo.id, array)
    return photo


def _described(photo: PhotoId, data: bytes, image: Image.Image) -> Photo:
    orientation = _orientation(image)
    width, height = image.size if orientation < 5 else image.size[::-1]
    form = "JPEG" if image.format == "MPO" else str(image.format)
    return Photo(photo, data, Size(width, height), form, orientation)


def _encode(image: Image.Image, name: str, limits: Limits) -> Photo:
    """Store as PNG what cannot be kept as it came; its pixels are those that will be looked at."""
    if image.width * image.height > limits.pixels:
        raise UnreadablePhoto(
            f"Expected a photo of at most {limits.pixels:,} pixels; {name} has {image.width} x {image.height}."
        )
    if not (image.width and image.height):
        raise UnreadablePhoto(f"Expected a photo; {name} has no pixels ({image.width} x {image.height}).")
    try:
        image.load()  # a TIFF is turned while it loads, and only after that says that it is upright
        upright = _upright(image, _orientation(image))
        out = io.BytesIO()
        upright.save(out, "PNG", compress_level=1)
    except Exception as error:
        raise UnreadablePhoto(f"Expected a whole photo; {name} is truncated or damaged ({error}).") from error
    with _Opened(out.getvalue(), name) as again:
        again.load()
        return _stored(out.getvalue(), again)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """RGB in sRGB, the right way up."""
    convert = _CONVERSIONS.get(image.mode, _plain)
    rgb = convert(image)
    return rgb.transpose(_TURNS[orientation]) if orientation in _TURNS else rgb


def _plain(image: Image.Image) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and b"sRGB" not in profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return image.convert("RGB")  # a broken profile is worth nothing
        if converted is not None:
            converted.info.pop("icc_profile", None)
            return converted
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")


def _deep(image: Image.Image) -> Image.Image:
    """16 and 32 bits a channel, brought to 8 by the depth that the values use, never clipped."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0).clip(min=0)
    top = float(values.max(initial=0.0))
    if image.mode.startswith("I;16"):
        scale = 65535.0
    elif image.mode == "F" and top <= 1.0:
        scale = 1.0
    else:
        scale = next((s for s in (255.0, 65535.0, 2.0**31 - 1, 2.0**32 - 1) if top <= s), top)
    return Image.fromarray(np.rint(values * (255.0 / scale)).astype(np.uint8)).convert("RGB")


_CONVERSIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    **dict.fromkeys(("RGBA", "LA", "PA", "La", "RGBa"), _on_white),
    **dict.fromkeys(("I", "F", "I;16", "I;16B", "I;16L", "I;16N"), _deep),
}
