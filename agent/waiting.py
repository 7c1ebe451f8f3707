"""Turns in the checkpoints: which wait for what was asked, which were cut short, which are over.

A turn that asks has been answered and kept; what its checkpoint holds is where to go on from. The last turn of a
thread can wait, and no other: whoever goes on talking leaves the question open.
"""

from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.state import CompiledStateGraph

from ..memory.sessions import Sessions
from .reply import Ask, Reply


class Turns:
    """The checkpoints of a home, by turn."""

    def __init__(self, graph: CompiledStateGraph[Any, Any, Any, Any], saver: SqliteSaver, sessions: Sessions) -> None:
        """The machine, what keeps its steps, and the turns that are kept."""
        self._graph, self._saver, self._sessions = graph, saver, sessions

    def waits(self, turn: str) -> bool:
        """Whether the turn has stopped, or is about to, for what it asks."""
        return self._graph.get_state(config(turn)).next == ("ask",)

    def waiting(self, thread: str) -> tuple[Reply, Ask] | None:
        """The turn of a thread that waits, as it was answered, and what it waits for."""
        last = self._sessions.last(thread)
        if not last or not last.get("asks") or not self.waits(last["turn"]):
            return None
        reply = Reply.from_dict(last)
        return (reply, reply.asks) if reply.asks else None

    def cut_short(self) -> dict[str, str]:
        """The turns that were cut short and can be resumed, each with its thread."""
        found = {}
        for turn in self.kept():
            state = self._graph.get_state(config(turn))
            # Killed on the way to its question, a turn goes on until it has asked; killed between what a step came to
            # and the next step, it has no step that is next, and one that is done.
            stopped = not state.tasks or (state.next == ("ask",) and state.interrupts)
            if "thread" in state.values and not stopped:
                found[turn] = state.values["thread"]
        return found

    def clear(self) -> None:
        """Drop the checkpoints of turns that are over, never began, or ask what their thread went on without."""
        for turn in self.kept():
            state = self._graph.get_state(config(turn))
            thread = state.values.get("thread")
            last = self._sessions.last(thread) if thread else None
            left = state.next == ("ask",) and (last or {}).get("turn") != turn
            if not thread or not state.tasks or left:
                self.end(turn)

    def end(self, turn: str) -> None:
        """Drop what is kept of a turn under way."""
        self._saver.delete_thread(turn)

    def kept(self) -> list[str]:
        """The turns that there are checkpoints of."""
        with self._saver.cursor(transaction=False) as cursor:
            return [turn for (turn,) in cursor.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()]


def config(turn: str) -> Any:
    """Where the machine keeps the steps of a turn."""
    return {"configurable": {"thread_id": turn}}
