"""The graph as LangGraph's server and Studio open it: `langgraph.json` names this.

It is the home of the settings (`SIGHTLINE_HOME`), with their model. The server brings its own checkpointer, and
whoever reaches it may name any thread of the home: it is for those who build, not for customers.
"""

import asyncio
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from .state import Answered, Asked, State

_opening = threading.Lock()


async def graph() -> "CompiledStateGraph[State, None, Asked, Answered]":
    """The machine over the home of the settings, which this process writes until it ends. Raises `Busy`.

    Not in the server's own thread: it lets nobody wait for a disk there.
    """
    return await asyncio.to_thread(_once)


def _once() -> "CompiledStateGraph[State, None, Asked, Answered]":
    """The server asks for the graph at every run, several times at once, and a home has one writer."""
    with _opening:
        return _opened()


@cache
def _opened() -> "CompiledStateGraph[State, None, Asked, Answered]":
    from .assistant import Assistant

    return Assistant.open().graph()
