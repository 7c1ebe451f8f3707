"""Talking to a server: requests with photos in them, answers, events as they arrive, and errors as our exceptions.

Nothing here knows what a request is about.
"""

import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..tools.errors import BadInput, Overloaded, SightlineError, Unavailable
from .note import LOOPBACK, proof

_CONNECT = 5.0
"""Seconds until nobody is taken to be there. An answer takes as long as looking takes."""


class Wire:
    """A connection to one server; safe under threads."""

    def __init__(self, url: str, key: str | None) -> None:
        """`url` is the root of the server. Raises `BadInput` for what is no address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"Expected the address of a server, such as http://127.0.0.1:8765; got {url!r}.")
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=httpx.Timeout(None, connect=_CONNECT),
            # No proxy stands between two programs of one machine.
            trust_env=parts.hostname not in LOOPBACK,
            # Reading the certificates takes longer than a request, and without TLS none is looked at.
            verify=parts.scheme == "https",
        )

    def knows(self, secret: str) -> bool:
        """Whether the program that answers knows this secret; it is not told."""
        nonce = secrets.token_hex(16)
        try:
            response = self._http.get(
                f"{self.url}/api/proof/{nonce}", headers={"Authorization": ""}, timeout=_CONNECT, follow_redirects=False
            )
            told = json.loads(response.content)["proof"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False
        return isinstance(told, str) and hmac.compare_digest(told.encode(), proof(secret, nonce).encode())

    def call(self, method: str, path: str, given: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """The JSON of an answer, `None` where it is empty. Raises what the server raised, `Unavailable`."""
        data = self.fetch(method, path, given, **query)
        try:
            return json.loads(data) if data else None
        except ValueError:
            raise self._strange("something that is no JSON") from None

    def fetch(self, method: str, path: str, given: Mapping[str, Any] | None = None, **query: Any) -> bytes:
        """The body of an answer. Raises as `call` does."""
        with self._talking():
            response = self._http.request(method, self.url + path, params=_query(query), **_body(given))
        self._refused(response)
        return response.content

    @contextmanager
    def download(self, path: str, **query: Any) -> Iterator[tuple[httpx.Headers, Iterator[bytes]]]:
        """The headers of an answer, and its body piece by piece. Raises as `call` does."""
        with self._talking(), self._http.stream("GET", self.url + path, params=_query(query)) as response:
            self._refused(response)
            yield response.headers, response.iter_bytes()

    def events(self, path: str, given: Mapping[str, Any], last: str) -> Iterator[tuple[str, Any]]:
        """The server-sent events of an answer as they arrive, each with its name; the one named `last` ends them.

        Raises as `call` does, and what an event named `error` says.
        """
        ended = False
        sent = _body(given)
        sent["headers"] = {**sent.get("headers", {}), "Accept": "text/event-stream"}
        with self._talking(), self._http.stream("POST", self.url + path, **sent) as response:
            self._refused(response)
            for name, data in events_of(response.iter_bytes()):
                if name == "error":
                    raise self._rebuilt(data, response)
                ended = name == last
                yield name, data
        if not ended:
            raise self._gone("its answer broke off")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(
                f"Expected a Sightline server at {self.url}; nobody answers there ({error}). Start one with "
                "`sightline serve`, or name another address."
            ) from error
        except httpx.HTTPError as error:
            raise self._gone(str(error) or type(error).__name__) from error

    def _gone(self, why: str) -> Unavailable:
        return Unavailable(
            f"The server at {self.url} went away before it had answered ({why}). What it had finished is kept; ask "
            "again when it runs."
        )

    def _strange(self, what: str) -> Unavailable:
        return Unavailable(f"Expected an answer of a Sightline server; {self.url} gave {what}. Name its address.")

    def _refused(self, response: httpx.Response) -> None:
        """Raise what the server raised, where it did."""
        if response.is_success:
            return
        try:
            data = json.loads(response.read())
        except ValueError:
            data = None
        raise self._rebuilt(data, response)

    def _rebuilt(self, data: Any, response: httpx.Response) -> SightlineError:
        try:
            message, code = str(data["error"]["message"]), str(data["error"]["code"])
        except (KeyError, TypeError):
            return self._strange(f"the status {response.status_code} and none of our errors")
        kind = ERRORS.get(code, Unavailable)
        if kind is Overloaded:
            after = response.headers.get("retry-after", "")
            return Overloaded(message, int(after) if after.isdecimal() else 1)
        return kind(message)


def events_of(pieces: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    """The server-sent events in a stream of bytes, each with its name and its JSON.

    Lines end with a line feed and nothing else: what is read in photos may hold other characters that end lines.
    """
    name, data, rest = "message", "", b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            field, _, value = line.removesuffix(b"\r").decode("utf-8").partition(":")
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data += value.removeprefix(" ")
            elif not field and not value and data:
                yield name, json.loads(data)
                name, data = "message", ""


def _tree(kind: type[SightlineError]) -> Iterator[type[SightlineError]]:
    yield kind
    for under in kind.__subclasses__():
        yield from _tree(under)


ERRORS: Mapping[str, type[SightlineError]] = {kind.code: kind for kind in _tree(SightlineError)}
"""Our errors by the `code` under which the API tells them."""


def _query(given: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """What stands in the address; text that no encoding holds is replaced there, as the Assistant does."""
    return {name: _text(v).decode() if isinstance(v, str) else v for name, v in given.items() if v is not None}


def _text(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def _body(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """JSON; or a form where there are bytes of photos in it, each of them a file."""
    if given is None:
        return {}
    given = {name: value for name, value in given.items() if value is not None}
    if not any(map(_holds_bytes, given.values())):
        content = _text(json.dumps(given, ensure_ascii=False))
        return {"content": content, "headers": {"Content-Type": "application/json"}}
    parts: list[tuple[str, tuple[str | None, bytes]]] = []
    for name, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bytes):
                parts.append((name, ("photo", each)))
            else:
                text = each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
                parts.append((name, (None, _text(text))))
    return {"files": parts}


def _holds_bytes(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, list) and any(isinstance(each, bytes) for each in value))
