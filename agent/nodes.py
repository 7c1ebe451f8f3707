"""The steps of a turn: state in, changes out. What they may use is bound when the graph is built."""

import time
from collections.abc import Iterable, Sequence

from langgraph.config import get_stream_writer
from langgraph.types import Overwrite, Send

from ..tools.toolbox import TOOLS
from ..tools.types import Finding, Outcome, PhotoId, Region
from . import answer as composing
from . import ledger
from .language import language_of
from .reply import Claim, Picture, Progress, Reply, Statement, Step, from_json, to_json
from .state import Look, State, TurnKit, Update

# Sentences are released one by one, statuses as they happen; both through LangGraph's custom stream.
STATUS, SENTENCE = "status", "sentence"


def receive(kit: TurnKit, state: State) -> Update:
    """Begin a turn: find the photos it is about, measure each, settle the language."""
    from ..tools.photos import pixels
    from ..tools.quality import measure

    before = kit.sessions.last(state["thread"])
    photos = list(dict.fromkeys(state.get("photos") or (before or {}).get("photos", [])))
    looks = []
    for photo in photos:
        _status("receive", photo)
        start = time.perf_counter()
        quality = measure(pixels(kit.photos.get(photo)))
        ms = 1000 * (time.perf_counter() - start)
        looks.append(
            Finding(f"quality:{photo[7:15]}", "quality", "found", (photo,), "photo quality", ms, quality=quality)
        )
    return {
        "photos": photos,
        "language": language_of(state["text"], (before or {}).get("language")),
        "findings": Overwrite([to_json(f) for f in looks]),
    }


def route(kit: TurnKit, state: State) -> Update:
    """Name the tools this turn needs, in the order they can run."""
    _status("route")
    return {"plan": [to_json(s) for s in kit.router.plan(state["text"], photos=len(state["photos"]))]}


def fan_out(state: State) -> list[Send] | str:
    """Send every step of the plan to its tool, once a photo; straight on where there is nothing to look at."""
    sends = [
        Send(step["tool"], Look(step=step, photo=photo))
        for step in state["plan"]
        if step["tool"] in TOOLS
        for photo in state["photos"]
    ]
    return sends or "weigh"


def look(kit: TurnKit, sent: Look) -> Update:
    """Run one tool on one photo and leave its finding."""
    step = from_json(Step, sent["step"])
    _status(step.tool, sent["photo"])
    finding = TOOLS[step.tool](kit.photos.get(sent["photo"]), kit, **step.args)
    return {"findings": [to_json(finding)]}


def weigh(state: State) -> Update:
    """Decide which photos carry no answer: too poor to look at, and nothing was found in them."""
    findings = _findings(state)
    found = {f.photos[0] for f in findings if f.tool in TOOLS and f.outcome == "found" and (f.text or f.regions)}
    poor = [f.photos[0] for f in findings if f.tool == "quality" and f.quality and f.quality.level == "retake"]
    return {"retake": [photo for photo in poor if photo not in found]}


def answer(kit: TurnKit, state: State) -> Update:
    """Write statements from the findings, check each, release those that hold, draw their evidence."""
    findings = _findings(state)
    qualities = {f.photos[0]: f.quality for f in findings if f.tool == "quality" and f.quality}
    sizes = {photo: quality.size for photo, quality in qualities.items()}
    by_id = {f.id: f for f in findings}
    plan = [from_json(Step, s) for s in state["plan"]]
    released: list[Statement] = []
    claims: list[Claim] = []
    for statement in composing.compose(
        state["language"], plan, findings, qualities, state["retake"], state.get("claimed"), kit.today()
    ):
        checked = ledger.check(len(released), statement, by_id, sizes)
        if ledger.holds(checked):
            released.append(statement)
            claims += checked
            get_stream_writer()({SENTENCE: to_json(statement)})
    pictures = _draw(kit, state["turn"], state["photos"], findings, claims)
    reply = Reply(
        text="\n".join(s.text for s in released),
        language=state["language"],
        plan=tuple(plan),
        statements=tuple(released),
        claims=tuple(claims),
        findings=tuple(findings),
        pictures=tuple(pictures),
        thread=state["thread"],
        turn=state["turn"],
        question=state["text"],
        photos=tuple(state["photos"]),
        outcome=_outcome(findings),
    )
    return {"reply": to_json(reply)}


def remember(kit: TurnKit, state: State) -> Update:
    """Commit the finished turn to its thread."""
    kit.sessions.commit(state["thread"], state["turn"], state["reply"])
    return {}


def _status(step: str, photo: PhotoId | None = None) -> None:
    get_stream_writer()({STATUS: to_json(Progress(step, photo))})


def _findings(state: State) -> list[Finding]:
    """Findings in the order of the plan's photos and tools, whatever order the tools finished in."""
    findings = [from_json(Finding, f) for f in state["findings"]]
    tools = ["quality", *(step["tool"] for step in state.get("plan", []))]
    return sorted(findings, key=lambda f: (state["photos"].index(f.photos[0]), tools.index(f.tool)))


def _outcome(findings: Iterable[Finding]) -> Outcome:
    outcomes = {f.outcome for f in findings if f.tool in TOOLS}
    order: Sequence[Outcome] = ("found", "unreadable", "absent")
    return next((o for o in order if o in outcomes), "not_looked")


def _draw(
    kit: TurnKit, turn: str, photos: Sequence[PhotoId], findings: Sequence[Finding], claims: Sequence[Claim]
) -> list[Picture]:
    """One picture for each photo that a claim points into, its regions numbered in the order they are claimed."""
    from ..tools.photos import pixels
    from ..tools.picture import annotate, save

    of = {f.id: f.photos[0] for f in findings}
    pictures = []
    for photo in photos:
        regions: list[Region] = list(
            dict.fromkeys(c.region for c in claims if c.region is not None and of[c.finding] == photo)
        )
        if regions:
            path = kit.pictures / turn / f"{photo[7:15]}.jpg"
            save(annotate(pixels(kit.photos.get(photo)), regions), path)
            pictures.append(Picture(str(path), photo, tuple(r.label for r in regions)))
    return pictures
