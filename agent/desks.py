"""Where tickets go: a folder, or a web address that is sent them signed. A desk is one method.

What is sent twice is the same ticket: a folder of its id is there already, and a request carries the id as its
`Idempotency-Key`, by which a receiver knows it again.
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ..tools.errors import BadInput, Unavailable
from ..tools.models.opening import is_here
from .handoff import Ticket
from .reply import to_json

if TYPE_CHECKING:
    import httpx

SECRET = "SIGHTLINE_DESK_SECRET"  # noqa: S105 the name of the variable
"""The variable of the environment that holds the secret which requests are signed with."""

TICKET = "ticket.json"

_PAUSES = (1.0, 4.0)
"""Seconds before the second try and the third, which is the last."""
_HOUR = 3600.0
_TIMEOUT = 10.0  # seconds for each of connecting, sending and being answered
_PASSING = (408, 429)  # what a server refuses now and may take a moment later, beside its own errors


class Desk(Protocol):
    """Where people take tickets up."""

    def hand(self, ticket: Ticket, pictures: Mapping[str, bytes]) -> str:
        """Hand a ticket over, with its pictures by name, and say where it went; doing it twice is harmless.

        Raises `Unavailable` where it could not be handed over.
        """
        ...


def open_desk(desk: str | None, home: Path) -> Desk:
    """The desk of a setting: an http(s) address or a folder; without one, the folder `tickets` of the home.

    Raises `BadInput` for an address that others could read along: http beyond this machine.
    """
    if desk and desk.lower().startswith(("http://", "https://")):
        return WebhookDesk(desk, os.environ.get(SECRET))
    return FileDesk(Path(desk).expanduser().absolute() if desk else home / "tickets")


class FileDesk:
    """A folder: each ticket is a folder of its own in it, `ticket.json` and the pictures, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first ticket."""
        self._folder = folder

    def hand(self, ticket: Ticket, pictures: Mapping[str, bytes]) -> str:
        """See `Desk.hand`; the ticket's folder."""
        try:
            return str(lay(self._folder / ticket.id, {TICKET: dumped(ticket), **pictures}))
        except OSError as error:
            raise Unavailable(f"Expected a folder for tickets; {self._folder} cannot be written ({error}).") from error


class WebhookDesk:
    """A web address that tickets are posted to as JSON, `ticket` and `pictures` (base64 by name), signed.

    `X-Sightline-Signature` is `sha256=` and the HMAC-SHA256, by the secret, of what `X-Sightline-Timestamp` says
    (seconds since 1970), a dot, and the body; `Idempotency-Key` is the ticket's id. No redirect is followed. What may
    pass is tried three times; what the receiver refuses is not.
    """

    def __init__(self, url: str, secret: str | None) -> None:
        """Raises `BadInput` for http beyond this machine; without a secret nothing is ever sent."""
        split = urlsplit(url)
        # The rest of an address may be as good as a password: it is told to nobody.
        self._shown = f"{split.scheme}://{split.netloc.rpartition('@')[2]}"
        try:
            whole = bool(split.hostname) and split.port != 0
        except ValueError:  # a port that is no number
            whole = False
        if not whole or not (split.scheme == "https" or is_here(url)):
            raise BadInput(
                f"Expected https:// and a host for tickets, or http:// and this machine; got {self._shown}. "
                "What others can read along is not sent."
            )
        self._url, self._secret = url, secret

    def hand(self, ticket: Ticket, pictures: Mapping[str, bytes]) -> str:
        """See `Desk.hand`; the address without its path."""
        import httpx

        if not self._secret:
            raise Unavailable(f"Expected a secret to sign tickets with; {SECRET} is not set in the environment.")
        shown = {name: base64.b64encode(data).decode() for name, data in pictures.items()}
        body = json.dumps({"ticket": to_json(ticket), "pictures": shown}, ensure_ascii=False).encode()
        # What goes to this machine goes through no proxy.
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=not is_here(self._url)) as client:
            for pause in (*_PAUSES, None):
                problem, passing = self._post(client, ticket.id, body)
                if problem is None:
                    return self._shown
                if not passing or pause is None:
                    break
                time.sleep(pause)
        raise Unavailable(f"Expected {self._shown} to take ticket {ticket.id}; {problem}.")

    def _post(self, client: "httpx.Client", key: str, body: bytes) -> tuple[str | None, bool]:
        """One try: what went wrong, `None` where nothing did, and whether it may pass."""
        import httpx

        at = str(int(time.time()))
        signature = hmac.new((self._secret or "").encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Sightline-Timestamp": at,
            "X-Sightline-Signature": f"sha256={signature}",
        }
        try:
            # Of the answer only the status counts: its body is not read.
            with client.stream("POST", self._url, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx.TransportError as error:
            return f"it could not be reached ({type(error).__name__})", True
        except httpx.InvalidURL:
            return "its address cannot be used", False
        if 200 <= status < 300:
            return None, False
        if 300 <= status < 400:
            return f"it answered {status}, and no redirect is followed", False
        return f"it answered {status}", status >= 500 or status in _PASSING


def dumped(ticket: Ticket) -> bytes:
    """A ticket as it is kept and shown: indented JSON in UTF-8."""
    return (json.dumps(to_json(ticket), ensure_ascii=False, indent=2) + "\n").encode()


def lay(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A folder with these files, made whole or not at all; one that is there already stays as it is. The folder."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in folder.parent.glob(".part-*"):
        # Of a writer that was killed: pictures of somebody, which nobody would find.
        if time.time() - leftover.stat().st_mtime > _HOUR:
            shutil.rmtree(leftover, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        for name, data in files.items():
            with (part / name).open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        part.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another was quicker, with the same
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
