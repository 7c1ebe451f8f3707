"""A catalogue that is being sent: the files of a form, written to disk as they come and never held in memory.

Names of files are somebody else's: only their last part counts, and nothing is written outside of the upload's folder.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ...tools.errors import BadInput, TooLarge

MOST_FILES = 20_000
MOST_BYTES_EACH = 50_000_000
"""Of a photo, as everywhere, and of a catalogue file."""
MOST_BYTES = 4_000_000_000
"""Of all files of an upload together, unpacked."""
CATALOGUES = (".jsonl", ".ndjson", ".csv", ".tsv")

_LONGEST = 200
"""Bytes of a name: with what we put before it, it has to fit a file system's 255."""
_SPARED = 200_000_000
"""Bytes that are left free on the disk: whatever else is kept there goes on being kept."""


class Upload:
    """The form of one import: a `file`, and where that is no zip, its `images`."""

    def __init__(self, content_type: str, folder: Path) -> None:
        """Files go to `files` in this folder, a zip beside it. Raises `BadInput` for a body of another kind."""
        self.folder = folder
        self._name = ""
        self.zip: Path | None = None
        kind, options = parse_options_header(content_type.encode("latin-1", "replace"))
        boundary = options.get(b"boundary", b"")
        if kind.lower() != b"multipart/form-data" or not boundary:
            raise BadInput(f"Expected a body of multipart/form-data; got {content_type or 'nothing'!r:.100}.")
        self._out: IO[bytes] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._size = self._files = 0
        self._most = MOST_BYTES_EACH
        self._whole = False
        self._parser = _parser(boundary, self)
        (folder / "files").mkdir()

    def feed(self, chunk: bytes) -> None:
        """Write what came. Raises `BadInput` for a form that is none of ours, `TooLarge`."""
        with room(self.folder):
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise BadInput(f"Expected a whole body of multipart/form-data; it does not parse ({error}).") from error

    def finish(self) -> str | None:
        """The name of the catalogue file among `files`; `None`: it is in the zip. Raises `BadInput`."""
        if not self._whole:
            raise BadInput("Expected a whole body of multipart/form-data; it ends early.")
        if self.zip is None and not self._name:
            raise BadInput("Expected a form with a `file`: a .zip, a .jsonl or a .csv; it has none.")
        if self.zip is not None and self._files > 1:
            raise BadInput("Expected a .zip alone, which brings its images; got `images` beside it.")
        return self._name or None

    def close(self) -> None:
        """Let go of a file that was being written."""
        if self._out:
            self._out.close()

    def begin(self) -> None:
        """A file begins: see where it goes."""
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        if field not in ("file", "images") or b"filename" not in options:
            raise BadInput(f"Expected a form with the files `file` and `images`; got the field {field!r:.100}.")
        place = self.folder / "files" / file_name(name)
        self._most = MOST_BYTES_EACH
        if field == "file":
            if self.zip or self._name:
                raise BadInput("Expected one `file`; got two. Send each catalogue by itself.")
            if place.suffix.lower() == ".zip":
                # How large it may be is said of the whole request.
                place, self._most = self.folder / "upload.zip", MOST_BYTES
                self.zip = place
            elif place.suffix.lower() in CATALOGUES:
                self._name = place.name
            else:
                raise BadInput(f"Expected a catalogue that ends in .zip, .jsonl or .csv; got {name!r:.100}.")
        self._files += 1
        if self._files > MOST_FILES:
            raise TooLarge(f"Expected {MOST_FILES:,} files at most; got more. Send the catalogue in parts.")
        self._size = 0
        self._out = made(place)

    def data(self, data: bytes, start: int, end: int) -> None:
        """A piece of a file."""
        self._size += end - start
        if self._size > self._most:
            raise TooLarge(f"Expected files of {self._most // 1_000_000} MB at most; one is larger. Send it smaller.")
        if self._out:
            self._out.write(data[start:end])

    def end(self) -> None:
        """A file ends."""
        self.close()
        self._out, self._headers = None, {}

    def header(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._header += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's value."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """A header ends."""
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def whole(self) -> None:
        """The form ends as it should."""
        self._whole = True


def _parser(boundary: bytes, upload: Upload) -> MultipartParser:
    return MultipartParser(
        boundary,
        {
            "on_header_field": upload.header,
            "on_header_value": upload.value,
            "on_header_end": upload.header_end,
            "on_headers_finished": upload.begin,
            "on_part_data": upload.data,
            "on_part_end": upload.end,
            "on_end": upload.whole,
        },
    )


def file_name(given: str) -> str:
    """The last part of a name that somebody else gave. Raises `BadInput` where it cannot be the name of a file."""
    name = PurePosixPath(given.replace("\\", "/")).name
    if not name or name.startswith(".") or not name.isprintable() or len(name.encode()) > _LONGEST:
        raise BadInput(
            f"Expected the name of a file, of {_LONGEST} bytes at most, without a dot before; got {given!r:.100}."
        )
    return name


def made(place: Path) -> IO[bytes]:
    """A new file. Raises `BadInput` where there is one of that name."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open("xb")
    except (FileExistsError, NotADirectoryError):
        raise BadInput(f"Expected each file once; {place.name!r:.100} comes twice. Give each its own name.") from None


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """Write within, as long as the disk has room for it, and for others. Raises `TooLarge`."""
    full = TooLarge(
        "Expected an upload for which the disk of this server has room; it has none. Send less, or free some."
    )
    if shutil.disk_usage(folder).free < _SPARED:
        raise full
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise full from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether this came of a disk that is full."""
    said = isinstance(error, sqlite3.Error) and "disk is full" in str(error)
    return said or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))


def settle(folder: Path) -> None:
    """Wait until everything in a folder is on the disk."""
    for at, _, files in os.walk(folder):
        for name in files:
            sync(Path(at) / name)
        sync(Path(at))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
