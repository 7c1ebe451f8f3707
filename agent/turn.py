"""What a turn has come to so far, out of its state: findings in order, those that stand, and what is streamed of it."""

from collections.abc import Iterable, Sequence

from langgraph.config import get_stream_writer

from ..tools.types import Finding, PhotoId, Quality
from . import thin
from .reply import Progress, Statement, from_json, to_json
from .state import Json, State

# Sentences are released one by one, statuses and findings as they come; all through LangGraph's custom stream.
STATUS, FINDING, SENTENCE = "status", "finding", "sentence"


def tell_step(step: str, photo: PhotoId | None = None) -> None:
    """Say what is being done."""
    get_stream_writer()({STATUS: to_json(Progress(step, photo))})


def tell_finding(finding: Finding) -> Json:
    """Stream what one look produced, without the words of a model, which nothing has checked yet.

    Gives back all of it, as the plain JSON that the state keeps.
    """
    plain: Json = to_json(finding)
    differences = [{**difference, "said": None} for difference in plain["differences"]]
    get_stream_writer()({FINDING: {**plain, "said": None, "sentences": [], "differences": differences}})
    return plain


def release(statement: Statement) -> None:
    """Stream a sentence: from then on it is final."""
    get_stream_writer()({SENTENCE: to_json(statement)})


def findings_of(state: State) -> list[Finding]:
    """Findings in the order of the plan's photos and tools, whatever order the tools finished in."""
    findings = [from_json(Finding, f) for f in state["findings"]]
    tools = ["quality", "taught", "told", *(step["tool"] for step in state.get("plan", []))]
    return sorted(findings, key=lambda f: (state["photos"].index(f.photos[0]), tools.index(f.tool)))


def standing_of(state: State, findings: Sequence[Finding]) -> list[Finding]:
    """What is said: of looks taken again the one that says more, and not what another photo was sent to show."""
    return thin.standing(findings, state.get("told", {}).get("photos", []))


def qualities_of(findings: Iterable[Finding]) -> dict[PhotoId, Quality]:
    """How well each photo can be looked at."""
    return {f.photos[0]: f.quality for f in findings if f.tool == "quality" and f.quality}


def spoken_of(state: State, standing: Sequence[Finding]) -> dict[PhotoId, Quality]:
    """The photos that there is something to say of: not those in whose place another one was sent."""
    said = {photo for f in standing if f.tool != "quality" for photo in f.photos}
    qualities = qualities_of(standing)
    return {p: q for p, q in qualities.items() if p in said} if state.get("told", {}).get("photos") else qualities
