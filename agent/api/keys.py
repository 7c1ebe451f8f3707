"""API keys: who may ask, what they may, and which home is theirs.

A key is 256 random bits, and of it only the SHA-256 is kept. A slow, salted hash makes a password dear to guess; a key
is too long to be guessed at all, so that a plain hash hides it as well, and costs nothing on every request.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ...tools.errors import BadInput, Unavailable

Scope = Literal["look", "catalogue", "operate"]
"""look: tools, turns, threads, corrections and hand-off; catalogue: changing it; operate: metrics."""

ALL: frozenset[Scope] = frozenset(get_args(Scope))

FILE = "keys.json"
"""The file in a server's home that keys are kept in; only its owner can read it."""

_BEGINS = "sl_"  # so that scanners for secrets, and people, know one when they see it
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TAKEN = ("local", "anyone")  # what requests without a key are called


@dataclass(frozen=True)
class Key:
    """What is kept of a key: its name, what it may, whose home it opens, and how to know it again.

    `tenant` names a home within the server's; keys that name the same one share it. `created` is in seconds since
    1970. `ends` are the last characters of the key, by which people tell theirs; `sha256` is that of all of it.
    """

    name: str
    scopes: tuple[Scope, ...]
    tenant: str
    created: int
    ends: str
    sha256: str


_KEYS = TypeAdapter(tuple[Key, ...])


class Keys:
    """The keys of a server's home. One that is added or revoked by another process is seen with the next request."""

    def __init__(self, home: Path) -> None:
        """Nothing is created before a key is added."""
        self._file = home / FILE
        self._seen: tuple[int, int, int] | None = None
        self._read: tuple[Key, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether a key is needed: from the first one on, also when it is revoked, and when the file is lost."""
        return self._seen is not None or self._file.exists()

    def all(self) -> Sequence[Key]:
        """The keys, by name. Raises `Unavailable` where what is kept cannot be read."""
        try:
            found = self._file.stat()
            # The time alone may be the same for two writes; a file that was replaced is another one.
            now = (found.st_mtime_ns, found.st_ino, found.st_size)
            if now != self._seen:
                self._read, self._seen = _KEYS.validate_json(self._file.read_bytes()), now
        except FileNotFoundError:
            self._read = ()
        except (OSError, ValidationError) as error:
            # Not the library's words, which repeat what the file holds.
            raise Unavailable(
                f"Expected the keys that `sightline keys add` writes; {self._file} cannot be read "
                f"({type(error).__name__}). Put back a copy, or delete it and add keys anew."
            ) from None
        return self._read

    def of(self, given: str) -> Key | None:
        """The key that was given; `None` for one that nobody knows. How long that takes does not tell how near it is.

        Raises `Unavailable`.
        """
        digest = _digest(given)
        found = None
        for key in self.all():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def add(self, name: str, scopes: Iterable[Scope] = ("look", "catalogue"), tenant: str | None = None) -> str:
        """Make a key and give it back: this once, for it is not kept. Its home is by default called as it is.

        Raises `BadInput` for a name that is none or is taken, `Unavailable`.
        """
        tenant = tenant if tenant is not None else name
        for named in (name, tenant):
            if not _NAME.fullmatch(named) or named in _TAKEN:
                raise BadInput(
                    "Expected a name of 1 to 64 small letters, digits, dots, hyphens and underscores, which begins "
                    f"with a letter or a digit and is not {' or '.join(_TAKEN)}; got {named!r:.100}."
                )
        given = _BEGINS + secrets.token_urlsafe(32)
        may = tuple(scope for scope in get_args(Scope) if scope in set(scopes))
        key = Key(name, may, tenant, int(time.time()), given[-4:], _digest(given))
        with self._changing():
            kept = self.all()
            if any(other.name == name for other in kept):
                raise BadInput(f"Expected a name that no key has; {name} is taken. Revoke it first, or choose another.")
            self._write((*kept, key))
        return given

    def revoke(self, name: str) -> None:
        """Let a key in no more; what its home keeps stays. Raises `BadInput` for one that is not there."""
        with self._changing():
            kept = self.all()
            left = tuple(key for key in kept if key.name != name)
            if left == tuple(kept):
                raise BadInput(f"Expected the name of a key; none is {name!r:.100}. `sightline keys` lists them.")
            self._write(left)

    def _changing(self) -> FileLock:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._file.with_suffix(".lock"), timeout=10)

    def _write(self, keys: Iterable[Key]) -> None:
        # mkstemp: its owner alone may read it.
        handle, part = tempfile.mkstemp(prefix=".keys-", dir=self._file.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                rows = _KEYS.dump_python(tuple(sorted(keys, key=lambda key: key.name)), mode="json")
                out.write(json.dumps(rows, indent=2).encode() + b"\n")
                out.flush()
                os.fsync(out.fileno())
            Path(part).replace(self._file)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise


def _digest(given: str) -> str:
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
