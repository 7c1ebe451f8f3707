"""The answer of a turn: its statements in their manner, each checked before it is released, with their evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..prompts import say
from ..tools.toolbox import TOOLS
from ..tools.types import Finding, Outcome, PhotoId, Quality, Region, Size
from . import answer as composing
from . import corrected, correcting, evidence, handoff, ledger, telling
from .manners import Asking, more, put
from .premises import premises
from .reply import Ask, Claim, Reply, Statement, Step, from_json, to_json
from .state import State, TurnKit, Update
from .tickets import Placed
from .turn import findings_of, qualities_of, release, spoken_of, standing_of

_REMEMBERED = 8
"""Turns of a thread that an answer knows of, so that it does not say the same again."""


def answer(kit: TurnKit, state: State) -> Update:
    """Write statements from the findings, check each, release those that hold, draw their evidence."""
    findings = findings_of(state)
    findings += corrected.of_products(kit, findings)
    standing = standing_of(state, findings)
    qualities = spoken_of(state, standing)
    sizes = {photo: quality.size for photo, quality in qualities_of(findings).items()}
    by_id = {f.id: f for f in findings}
    plan = [from_json(Step, s) for s in state["plan"]]
    asks = from_json(Ask, state["asks"]) if state.get("asks") else None
    released: list[Statement] = []
    claims: list[Claim] = []
    for statement in _worded(kit, state, plan, standing, qualities, sizes, asks):
        checked = ledger.check(len(released), statement, by_id, sizes)
        if ledger.holds(statement, checked):
            released.append(statement)
            claims += checked
            release(statement)
    claims += telling.withheld(findings, sizes)
    pictures = evidence.marked(kit, state["turn"], state["photos"], findings, claims)
    pictures += evidence.compared(kit, state["turn"], standing, state["language"])
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
        outcome=_outcome(standing),
        claimed=state.get("claimed"),
        asks=asks,
        offer=correcting.offer_of(findings),
    )
    if handoff.wanted(plan):
        reply = _handed(kit, reply)
    return {"reply": to_json(reply)}


def _worded(
    kit: TurnKit,
    state: State,
    plan: Sequence[Step],
    findings: Sequence[Finding],
    qualities: Mapping[PhotoId, Quality],
    sizes: Mapping[PhotoId, Size],
    asks: Ask | None,
) -> Sequence[Statement]:
    """The statements of a turn in the manner that was asked for; not yet checked."""
    language, text = state["language"], state["text"]
    # Who asks for a person, and for nothing else, is not greeted or asked for a photo.
    others = [step for step in plan if step != handoff.HUMAN]
    if not others and handoff.wanted(plan):
        return ()
    unchecked = _unchecked(kit, state)
    composed = composing.compose(language, others, findings, qualities, state["retake"], unchecked, kit.today())
    composed = corrected.in_place(composed, corrected.applied(language, findings, sizes, kit.today()))
    composed = [*premises(text, findings, kit.catalogue, language), *composed]
    manner = state.get("manner", "plain")
    goes_on = list(plan) == [Step("describe", {"detail": "full"})]
    recalled = kit.sessions.lately(state["thread"], _REMEMBERED) if goes_on or manner != "plain" else []
    before = [from_json(Reply, reply) for reply in recalled]
    detail = next((step.args["detail"] for step in plan if "detail" in step.args), "normal")
    said = put(manner, Asking(language, text, detail, before), composed, findings)
    if goes_on and before and any(step.tool == "describe" for step in before[-1].plan):
        said = more(said, [reply for reply in before if reply.photos == tuple(state["photos"])])
    # A photo that is missing is named with what it would settle; a choice is a sentence of its own.
    said = [*said, Statement(asks.text, ())] if asks and asks.kind == "choice" else said
    if state.get("strict"):
        said = [each for each in said if not each.hedged] or [Statement(say(language, "strict.nothing"), ())]
    return said


def _handed(kit: TurnKit, reply: Reply) -> Reply:
    """The reply with its ticket, and with where that went.

    A turn that is taken up after a crash finds the ticket that it made, and hands over no other.
    """
    placed = hand_over(kit, reply)
    ticket = placed.ticket
    said = [
        say(reply.language, "handoff.done", ticket=ticket.id, where=placed.where)
        if placed.where is not None
        else say(reply.language, "handoff.kept", ticket=ticket.id)
    ]
    if not ticket.tried:
        said.append(say(reply.language, "handoff.nothing_to_show"))
    statements = [Statement(text, ()) for text in said]
    for statement in statements:
        release(statement)
    text = "\n".join(s.text for s in (*reply.statements, *statements))
    return replace(reply, text=text, statements=(*reply.statements, *statements), ticket=ticket.id)


def hand_over(kit: TurnKit, reply: Reply, note: str = "") -> Placed:
    """Write the ticket of a thread up to this turn and hand it to the desk; a turn's ticket is made once."""
    before = [from_json(Reply, turn) for turn in kit.sessions.lately(reply.thread, handoff.TURNS)]
    told = [*(earlier for earlier in before if earlier.turn != reply.turn), reply]
    photos = dict.fromkeys(photo for turn in told for photo in turn.photos)
    kept = [correction for photo in photos for correction in kit.corrections.of_photo(photo)]
    marked = [(c.photo, Region(c.box, c.after, "thing")) for c in kept if c.photo and c.box]
    return kit.tickets.place(*handoff.write(told, kit.photos, note, [to_json(c) for c in kept], marked))


def _unchecked(kit: TurnKit, state: State) -> str | None:
    """What was ordered, where there is no catalogue to hold it against and nothing in the plan says so."""
    compares = any(step["tool"] == "compare" for step in state["plan"])
    return None if len(kit.catalogue) or compares else state.get("claimed")


def _outcome(findings: Iterable[Finding]) -> Outcome:
    outcomes = {f.outcome for f in findings if f.tool in (*TOOLS, "correct")}
    order: Sequence[Outcome] = ("found", "unreadable", "absent")
    return next((o for o in order if o in outcomes), "not_looked")
