"""Threads that call the Assistant for those who must not wait: so many at once, so many in line, and no more."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from ...tools.errors import Overloaded

_T = TypeVar("_T")

_END = object()


class Workers:
    """A bounded pool; made and used within one event loop."""

    def __init__(self, at_once: int, in_line: int) -> None:
        """So many calls run at once; so many more wait, the longest waiting first."""
        self._most = at_once + in_line
        self._admitted = 0
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="sightline-api")
        self._lines: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def run(self, call: Callable[[], _T]) -> _T:
        """What a call gives back, or raises. Raises `Overloaded` where the line is full."""
        async for result in self.stream(lambda: iter([call()])):
            return result
        raise RuntimeError("a call ends with what it gives back")

    async def stream(self, events: Callable[[], Iterator[_T]], after: Hashable = None) -> AsyncIterator[_T]:
        """What an iterator yields, made and run to its end in one thread; closed early where nobody listens any more.

        Of those that come `after` the same, one runs at a time, in the order in which they came. Raises `Overloaded`
        where the line is full.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[object] = asyncio.Queue()
        gone = threading.Event()

        def tell(event: object) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, event)

        def work() -> None:
            try:
                if not gone.is_set():
                    iterator = events()
                    try:
                        for event in iterator:
                            tell(event)
                            if gone.is_set():
                                break
                    finally:
                        getattr(iterator, "close", lambda: None)()
            except BaseException as error:
                tell(_Raised(error))
            tell(_END)

        async with self._place(after) as leave:
            running = loop.run_in_executor(self._pool, work)
            running.add_done_callback(leave)
            try:
                while (event := await queue.get()) is not _END:
                    if isinstance(event, _Raised):
                        raise event.error
                    yield event  # type: ignore[misc]
            finally:
                gone.set()

    def close(self) -> None:
        """Wait for what runs, and take nothing more."""
        self._pool.shutdown(cancel_futures=True)

    @asynccontextmanager
    async def _place(self, after: Hashable) -> AsyncIterator[Callable[[object], None]]:
        """A place in line, and how to give it up once the work is done, whoever still listens."""
        if self._admitted >= self._most:
            raise Overloaded("Expected fewer requests at once; more wait here than can be served soon. Try again.")
        self._admitted += 1
        left = False

        def leave(_: object = None) -> None:
            nonlocal left
            if not left:
                left = True
                self._admitted -= 1

        # Turns of one thread would each hold a worker while they wait for one another.
        lock = self._lines.setdefault(after, asyncio.Lock()) if after is not None else asyncio.Lock()
        try:
            await lock.acquire()
        except BaseException:
            leave()
            raise
        try:
            yield leave
        finally:
            lock.release()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
