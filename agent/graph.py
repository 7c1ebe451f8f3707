"""The whole machine on one screen.

    receive -> route -> [describe | ocr | ground | identify | compare | correct, in parallel] -> weigh -> answer
                                          ^                                                       |          |
                                          +---------- closer, a part of a photo ------------------+      remember
                                          +---------- ask: one photo or one choice, if allowed -------------+

A turn that asks has been answered with what is known, and kept; what it is told goes on with it, and the answer that
rests on both takes its place.

`build_graph(kit)` binds the services, so that the graph works the same inside somebody else's graph,
whose context it never reads. It takes its host's checkpointer; ours is given when it is compiled.
"""

from functools import partial
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from ..tools.toolbox import TOOLS
from . import nodes
from .answering import answer
from .state import Answered, Asked, State, TurnKit


def build_graph(
    kit: TurnKit, checkpointer: BaseCheckpointSaver[Any] | None = None
) -> CompiledStateGraph[State, None, Asked, Answered]:
    """Compile the machine: `Asked` goes in, `Answered` comes out, and between them is the turn's `State`."""
    graph = StateGraph(State, input_schema=Asked, output_schema=Answered)
    graph.add_node("receive", partial(nodes.receive, kit))
    graph.add_node("route", partial(nodes.route, kit))
    for tool in TOOLS:
        graph.add_node(tool, partial(nodes.look, kit))
        graph.add_edge(tool, "weigh")
    graph.add_node("correct", partial(nodes.correct, kit))
    graph.add_edge("correct", "weigh")
    graph.add_node("weigh", partial(nodes.weigh, kit))
    graph.add_node("answer", partial(answer, kit))
    graph.add_node("remember", partial(nodes.remember, kit))
    graph.add_node("ask", partial(nodes.ask, kit))

    graph.add_edge(START, "receive")
    graph.add_edge("receive", "route")
    graph.add_conditional_edges("route", partial(nodes.fan_out, kit), [*TOOLS, "correct", "weigh"])
    graph.add_conditional_edges("weigh", nodes.look_closer, [*TOOLS, "answer"])
    graph.add_edge("answer", "remember")
    graph.add_conditional_edges("remember", nodes.asks, ["ask", END])
    graph.add_conditional_edges("ask", partial(nodes.fan_out, kit), [*TOOLS, "weigh"])
    return graph.compile(checkpointer=checkpointer, name="sightline")
