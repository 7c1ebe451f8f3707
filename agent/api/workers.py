"""Threads that call the Assistant for those who must not wait: so many at once, so many in line, and no more.

The line is fair: each key has one of its own, and the keys take turns, so that a flood from one holds up no other.
"""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from ...tools.errors import Overloaded
from .calls import under_way

_T = TypeVar("_T")

_END = object()


class Workers:
    """A bounded pool; made and used within one event loop."""

    def __init__(self, at_once: int, in_line: int, seen: Callable[[object], None] = lambda _: None) -> None:
        """So many calls run at once; so many more wait. `seen` is told of everything that is given back."""
        self._at_once, self._most = at_once, at_once + in_line
        self._free = at_once
        self._admitted = 0
        self._seen = seen
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="sightline-api")
        self._before: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def running(self) -> int:
        """How many calls run."""
        return self._at_once - self._free

    @property
    def in_line(self) -> int:
        """How many wait."""
        return self._admitted - self.running

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
            # What is logged on the way is of this request.
            running = loop.run_in_executor(self._pool, contextvars.copy_context().run, work)
            working = under_way().working
            working.add(running)
            running.add_done_callback(working.discard)
            running.add_done_callback(leave)
            try:
                while (event := await queue.get()) is not _END:
                    if isinstance(event, _Raised):
                        raise event.error
                    self._seen(event)
                    yield event  # type: ignore[misc]
            finally:
                gone.set()

    def close(self) -> None:
        """Wait for what runs, and take nothing more."""
        self._pool.shutdown(cancel_futures=True)

    @asynccontextmanager
    async def _place(self, after: Hashable) -> AsyncIterator[Callable[[object], None]]:
        """A thread, once it is this one's turn, and how to give it up when the work is done, whoever still listens."""
        if self._admitted >= self._most:
            under_way().refused = "line"
            raise Overloaded("Expected fewer requests at once; more wait here than can be served soon. Try again.")
        self._admitted += 1
        # Turns of one thread would each hold a worker while they wait for one another.
        lock = self._before.setdefault(after, asyncio.Lock()) if after is not None else asyncio.Lock()
        try:
            await lock.acquire()
            try:
                await self._turn(under_way().key)
            except BaseException:
                lock.release()
                raise
        except BaseException:
            self._admitted -= 1
            raise

        def leave(_: object = None) -> None:
            self._admitted -= 1
            self._pass_on()

        try:
            yield leave
        finally:
            lock.release()

    async def _turn(self, key: str) -> None:
        """Wait for a thread that is free."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given, in the moment in which nobody wanted it any more
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a free thread to the next key in turn, and there to who has waited longest."""
        while self._lines:
            key, line = next(iter(self._lines.items()))
            turn = line.popleft()
            del self._lines[key]
            if line:
                self._lines[key] = line  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
