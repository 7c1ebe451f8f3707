"""Which photos somebody may name who may not read every file: those in allowed folders, data URIs, kept ones by id.

Nothing here opens a file. A path is resolved, symlinks and all, and only then held against the folders.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..tools.errors import BadInput


class Roots:
    """The folders whose files may be looked at."""

    def __init__(self, folders: Iterable[Path | str]) -> None:
        """Without a folder, no file. A relative path is looked for in each. Raises `BadInput` for one that is none."""
        self.folders = tuple(Path(folder).expanduser().resolve() for folder in folders)
        for folder in self.folders:
            if not folder.is_dir():
                raise BadInput(f"Expected a folder whose photos may be looked at; {folder} is none.")

    def __str__(self) -> str:
        """What may be named, for people and models."""
        files = f", or a file inside {' or '.join(map(str, self.folders))}" if self.folders else ""
        return f"a photo as the sha256: id of a kept one, as a data URI (data:image/…;base64,…){files}"

    def source(self, named: str, client: Sequence[Path] = ()) -> str | Path:
        """What a client may have looked at: a file's real path, or the data URI or `sha256:` id as it came.

        `client` are the folders that the client itself names, where it names any: they narrow ours and never widen
        them. Raises `BadInput` for anything else, in the same words whether or not there is such a file.
        """
        if named.startswith("sha256:") or named[:5].lower() == "data:":
            return named
        is_path = named.strip() not in ("", "-") and "://" not in named
        folders = self.folders if is_path else ()
        real = [path for folder in folders if (path := _real(folder, named)) is not None]
        inside = [path for path in real if _within(path, self.folders) and (not client or _within(path, client))]
        if not inside:
            theirs = f" and inside what the client allows, {', '.join(map(str, client))}" if client else ""
            raise BadInput(f"Expected {self}{theirs}; got {named!r:.200}. No address is fetched.")
        return next((path for path in inside if _exists(path)), inside[0])


def _real(folder: Path, named: str) -> Path | None:
    """Where a path leads, from this folder where it is relative; `None` where it leads nowhere."""
    try:
        return (folder / named).resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, a zero in a name
        return None


def _within(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
