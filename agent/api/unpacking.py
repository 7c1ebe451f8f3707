"""A zip that somebody else sent: one catalogue and its images, unpacked into a folder and nowhere else.

What its headers say of sizes is checked, and not believed: what comes out is counted. Only plain files are unpacked.
"""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ...tools.errors import BadInput, TooLarge
from .arriving import CATALOGUES, MOST_BYTES, MOST_BYTES_EACH, MOST_FILES, file_name, made, room

_DIRECTORY = 4_000_000
"""Bytes of a zip's list of files, more than so many files need: it is read at once, and each entry weighs in memory."""
_AT_ONCE = 1 << 20
_DEEPEST, _LONGEST = 16, 400
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class _Sparing(io.BufferedReader):
    """A file of which little is read at once, whatever its own headers ask for: a list cut short is no list."""

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.BufferedReader`."""
        return super().read(size if size is not None and 0 <= size <= _DIRECTORY else _DIRECTORY)


def unpack(file: Path, folder: Path) -> str:
    """Unpack a zip and give the path of its catalogue in the folder. Raises `BadInput`, `TooLarge`."""
    try:
        with _Sparing(io.FileIO(file)) as raw, zipfile.ZipFile(raw) as zipped:
            entries = [(info, _place(info)) for info in zipped.infolist() if not info.is_dir()]
            entries = [(info, place) for info, place in entries if _is_wanted(place)]
            _check([info for info, _ in entries])
            catalogue = _catalogue([place for _, place in entries])
            left = MOST_BYTES
            for info, place in entries:
                left -= _unpacked(zipped, info, folder / place, left)
    except _DAMAGED as error:
        raise BadInput(
            f"Expected a whole .zip; this one is damaged ({str(error) or type(error).__name__:.200})."
        ) from error
    return str(catalogue)


def _unpacked(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path, left: int) -> int:
    """Unpack one file, and say how many bytes it has."""
    size = 0
    with zipped.open(info) as source, made(place) as out:
        while chunk := source.read(_AT_ONCE):
            size += len(chunk)
            if size > min(MOST_BYTES_EACH, left):
                raise _too_large()
            with room(place.parent):
                out.write(chunk)
    return size


def _check(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse what says of itself that it is too much, or nothing to unpack. Raises `BadInput`, `TooLarge`."""
    if len(infos) > MOST_FILES:
        raise TooLarge(f"Expected a .zip of {MOST_FILES:,} files at most; got {len(infos):,}. Send it in parts.")
    if max((i.file_size for i in infos), default=0) > MOST_BYTES_EACH or sum(i.file_size for i in infos) > MOST_BYTES:
        raise _too_large()
    for info in infos:
        if info.flag_bits & 1:
            raise BadInput(f"Expected a .zip without a password; {info.filename!r:.100} is encrypted.")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BadInput(f"Expected a .zip of plain files; {info.filename!r:.100} is a link or a device.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"Expected a .zip that is stored or deflated; {info.filename!r:.100} is packed otherwise.")


def _too_large() -> TooLarge:
    return TooLarge(
        f"Expected a .zip whose files have {MOST_BYTES_EACH // 1_000_000} MB each at most, and "
        f"{MOST_BYTES // 1_000_000:,} MB together; it unpacks to more. Send it in parts."
    )


def _place(info: zipfile.ZipInfo) -> PurePosixPath:
    """Where a file belongs in the folder. Raises `BadInput` for a path that leads out of it."""
    path = PurePosixPath(_named(info).replace("\\", "/"))
    leads_out = not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
    if leads_out or len(path.parts) > _DEEPEST or len(str(path)) > _LONGEST:
        raise BadInput(f"Expected paths that stay within the .zip; got {info.filename!r:.100}.")
    return path


def _named(info: zipfile.ZipInfo) -> str:
    """The name of a file; where it does not say that it is UTF-8, it is that or Chinese, or what zip had at first."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _is_wanted(place: PurePosixPath) -> bool:
    """Whether a file is somebody's own, and not what desktops leave in zips. Raises `BadInput` for an odd name."""
    if place.parts[0] == "__MACOSX" or place.name.startswith("."):
        return False
    for part in place.parts:
        file_name(part)
    return True


def _catalogue(places: list[PurePosixPath]) -> PurePosixPath:
    """The one catalogue of a zip. Raises `BadInput` where there is none, or are several."""
    found = [place for place in places if place.suffix.lower() in CATALOGUES]
    if len(found) != 1:
        names = ", ".join(repr(str(place)) for place in found) or "none"
        raise BadInput(f"Expected a .zip with one catalogue, a .jsonl or a .csv; it holds {names:.300}.")
    return found[0]
