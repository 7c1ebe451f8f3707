"""Chroma, holding one embedding a photo, by the photo's id. We give it the embeddings; it fetches nothing.

Chroma keeps a folder in memory, so that one process does not see what another writes until it opens it anew;
and whoever opens it may fold its log into its index, also to read. So opening waits for the writer, and the
writer for it; between times neither does.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ..tools.errors import Busy, Unavailable
from ..tools.types import PhotoId

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_WAIT = 60.0  # seconds; folding in a large log takes a few
_AT_ONCE = 1000


class Vectors:
    """A folder of Chroma's, or a server of it; safe under threads."""

    def __init__(self, folder: Path, server: str | None) -> None:
        """Name the place, `server` as http://host:port; nothing is opened or created."""
        self._folder, self._server = folder, server
        self._files = FileLock(folder.with_suffix(".lock"))
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._collections: dict[str, Any] = {}
        self._seen = -1

    def nearest(
        self, collection: str, points: NDArray[np.float32], n: int, generation: int
    ) -> list[tuple[PhotoId, float]]:
        """The `n` photos nearest to any of the points `(m, dimension)`, with the cosine, the nearest first.

        `generation` is that of the manifest: where it has moved, what was opened before may be old.
        """
        with self._lock:
            if self._client is not None and (generation == self._seen or self._server):
                with self._without_panics():
                    found = self._ask(collection, points, n)
            else:
                with self._alone():
                    self._leave()
                    # The first question after opening folds in the log.
                    found = self._ask(collection, points, n)
                self._seen = generation
        best: dict[PhotoId, float] = {}
        for ids, distances in zip(found["ids"], found["distances"], strict=True):
            for photo, distance in zip(ids, distances, strict=True):
                best[photo] = max(best.get(photo, -1.0), min(max(1 - float(distance), -1.0), 1.0))
        return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:n]

    def create(self, collection: str, embedder: str) -> None:
        """Make a collection where there is none; it says what its embeddings were made by."""
        with self._lock, self._alone():
            self._collections[collection] = self._opened().get_or_create_collection(
                collection,
                metadata={"embedder": embedder},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )

    def put(self, collection: str, photos: Sequence[PhotoId], points: NDArray[np.float32]) -> None:
        """Keep embeddings `(n, dimension)`, each in place of the photo's earlier one."""
        with self._lock, self._alone():
            for start in range(0, len(photos), _AT_ONCE):
                part = np.s_[start : start + _AT_ONCE]
                self._of(collection).upsert(ids=list(photos[part]), embeddings=points[part])

    def drop(self, collection: str, photos: Sequence[PhotoId]) -> None:
        """Forget embeddings."""
        with self._lock, self._alone():
            for start in range(0, len(photos), _AT_ONCE):
                self._of(collection).delete(ids=list(photos[start : start + _AT_ONCE]))

    def photos(self, collection: str) -> set[PhotoId]:
        """Every photo that a collection has an embedding of.

        A collection whose index was damaged is given up, and then has none.
        """
        from chromadb.errors import InternalError

        with self._lock, self._alone():
            held = self._of(collection)
            try:
                some = held.get(limit=1, include=["embeddings"])
                if len(some["ids"]):
                    held.query(query_embeddings=some["embeddings"], n_results=1, include=[])
                return set(held.get(include=[])["ids"])
            except InternalError:
                metadata = held.metadata
                self._opened().delete_collection(collection)
                self._collections.pop(collection, None)
                self.create(collection, str(metadata["embedder"]))
                return set()

    def collections(self, prefix: str) -> list[str]:
        """The names of the collections that begin so."""
        with self._lock, self._alone():
            return sorted(c.name for c in self._opened().list_collections() if c.name.startswith(prefix))

    def delete(self, collection: str) -> None:
        """Delete a collection with everything in it."""
        with self._lock, self._alone():
            self._opened().delete_collection(collection)
            self._collections.pop(collection, None)

    def close(self) -> None:
        """Let go of the folder or the server."""
        with self._lock:
            self._leave()

    def _ask(self, collection: str, points: NDArray[np.float32], n: int) -> Any:
        held = self._of(collection)
        try:
            return held.query(query_embeddings=points, n_results=n, include=["distances"])
        except Exception as error:  # a server that has gone, an index that is damaged
            raise Unavailable(
                f"Expected an answer of Chroma in {self._server or self._folder}; it says: {str(error)[:200]}. "
                "Index the catalogue again, which repairs it."
            ) from error

    def _of(self, collection: str) -> Any:
        from chromadb.errors import NotFoundError

        if collection not in self._collections:
            try:
                self._collections[collection] = self._opened().get_collection(collection, embedding_function=None)
            except NotFoundError as error:
                place = self._server or self._folder
                raise Unavailable(
                    f"Expected Chroma's collection {collection} in {place}; it is not there. Index the catalogue again."
                ) from error
        return self._collections[collection]

    def _opened(self) -> "ClientAPI":
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            place = self._server or self._folder
            try:
                if self._server is None:
                    self._client = chromadb.PersistentClient(str(self._folder), settings)
                else:
                    host, port, secure = _address(self._server)
                    self._client = chromadb.HttpClient(host, port, secure, settings=settings)
            except Exception as error:  # of many kinds
                raise Unavailable(
                    f"Expected Chroma in {place}; it cannot be opened: {error}. "
                    + ("Is the server running?" if self._server else "Move that folder away and index again.")
                ) from error
        return self._client

    def _leave(self) -> None:
        client: Any = self._client
        self._client, self._collections = None, {}
        if client is None:
            return
        client.close()
        if self._server:
            # That leaves its connections to the server open.
            for part in (client, client._admin_client):
                part._server._session.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While Chroma's files may be written, by us or by its opening; a server sees to that itself."""
        if self._server:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._files.acquire(timeout=_WAIT, poll_interval=0.01)
        except Timeout as error:
            raise Busy(
                f"Another process has been writing {self._folder} for {_WAIT:.0f} s. Try again later."
            ) from error
        try:
            with self._without_panics():
                yield
        finally:
            self._files.release()

    @contextmanager
    def _without_panics(self) -> Iterator[None]:
        """Tell of a damaged file that Chroma's Rust panics over: what that raises is no `Exception`."""
        try:
            yield
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # PyO3's, which cannot be imported
                raise
            raise Unavailable(
                f"Expected Chroma in {self._folder}; it breaks off: {str(error)[:200]}. "
                "Move that folder away and index again."
            ) from error


def _address(server: str) -> tuple[str, int, bool]:
    """Host, port and whether it is https."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unavailable(f"Expected the address of a Chroma server, as http://localhost:8000; got {server!r}.")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 8000), parts.scheme == "https"
