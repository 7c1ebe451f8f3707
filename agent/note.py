"""Where the server of a home is: a note in the home, which its owner alone can read.

Whoever can read it may act for the owner; nobody else can write one that is believed. A note may be older than the
server that it names: `proof` shows whether the one that answers is the one that wrote it, and gives nothing away to
one that is not.
"""

import hashlib
import hmac
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

NOTE = "server.json"
"""The file in a home."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Note(NamedTuple):
    """The address of a server on this machine, and the secret by which it knows the home's owner."""

    url: str
    secret: str


def write(home: Path, note: Note) -> Path:
    """Leave a note in a home, in place of one that is there; the file."""
    for left in home.glob(".server-*"):
        left.unlink(missing_ok=True)  # of one that was killed while it wrote
    handle, part = tempfile.mkstemp(prefix=".server-", dir=home)  # mkstemp: its owner alone may read it
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps({**note._asdict(), "pid": os.getpid()}))
    return Path(part).replace(home / NOTE)


def read(home: Path) -> Note | None:
    """The note of a home; `None` where there is none, or none to be believed.

    It is believed where it is a file of this user's, which nobody else may read or write, and names an address of this
    machine.
    """
    try:
        # Neither another's file through a link nor, for ever, a pipe.
        handle = os.open(home / NOTE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        is_ = os.fstat(handle)
        if not stat.S_ISREG(is_.st_mode) or is_.st_uid != os.getuid() or is_.st_mode & 0o077:
            return None
        data = file.read(10_000)
    try:
        told = json.loads(data)
        note = Note(told["url"], told["secret"])
        url = urlsplit(note.url)
        here = url.scheme == "http" and url.hostname in LOOPBACK and url.port is not None and "@" not in url.netloc
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return note if here and isinstance(note.secret, str) and note.secret else None


def proof(secret: str, nonce: str) -> str:
    """What only somebody who knows the secret can say to a nonce: 64 hexadecimal digits."""
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()
