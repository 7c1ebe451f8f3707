"""The steps of a turn: state in, changes out. What they may use is bound when the graph is built."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from langgraph.graph import END
from langgraph.types import Overwrite, Send, interrupt

from ..tools.crops import PassingReadings, back, crop
from ..tools.errors import BadInput
from ..tools.toolbox import TOOLS
from ..tools.types import Box, Finding, Match, PhotoId, again
from . import corrected, correcting, messages, thin
from .language import DEFAULT, language_of
from .names import names
from .reply import Reply, Step, from_json, to_json
from .router import OTHER_PHOTO
from .state import Json, Look, Said, State, Told, TurnKit, Update
from .turn import findings_of, qualities_of, standing_of, tell_finding, tell_step


def receive(kit: TurnKit, state: State) -> Update:
    """Begin a turn: find the photos it is about, measure each, recall what people told us, settle the language."""
    begun = names(state)
    begun = {**begun, **messages.taken(kit, {**state, **begun})}
    state = {**state, **begun}
    if state.get("text") is None:
        raise BadInput("Expected a text, or messages with one of a person; got neither.")
    before = kit.sessions.last(state["thread"])
    photos = list(dict.fromkeys(state.get("photos") or (before or {}).get("photos", [])))
    # What was ordered holds for the photos it was said of; without a catalogue it was said that it means nothing here.
    holds = before if before and not state.get("photos") and len(kit.catalogue) else {}
    # Nobody is asked twice for what they did not send.
    asked = before is not None and before.get("asks") and set(before["photos"]) == set(photos)
    return {
        **begun,
        "photos": photos,
        "claimed": state.get("claimed") or holds.get("claimed"),
        "language": language_of(state["text"], (before or {}).get("language")),
        "findings": Overwrite([tell_finding(f) for f in _measured(kit, photos)]),
        "may_ask": bool(state.get("may_ask")) and not asked,
        "closer": [],
        "rounds": 0,
        "asks": None,
        "told": {},
    }


def _measured(kit: TurnKit, photos: Iterable[PhotoId]) -> list[Finding]:
    """The quality of each photo, as a finding."""
    from ..tools.quality import quality_of

    looks = []
    for photo in photos:
        tell_step("receive", photo)
        start = time.perf_counter()
        seen = kit.photos.get(photo)
        quality = quality_of(seen)
        ms = 1000 * (time.perf_counter() - start)
        looks.append(
            Finding(f"quality:{photo[7:15]}", "quality", "found", (photo,), "photo quality", ms, quality=quality)
        )
        if taught := corrected.known(kit, seen):
            looks.append(taught)
    return looks


def route(kit: TurnKit, state: State) -> Update:
    """Name the tools this turn needs, in the order they can run."""
    tell_step("route")
    last = kit.sessions.last(state["thread"]) or {}
    if answered := _offered(last, state):
        return {"plan": [to_json(answered)]}
    before = [from_json(Step, step) for step in last.get("plan", [])]
    asked = kit.model and kit.model.during(kit.turns.of(state["turn"], kit.model.patience))
    ordered = bool(state.get("claimed"))
    routed = kit.router.plan(state["text"], len(state["photos"]), before=before, ordered=ordered, model=asked)
    plan = list(routed.plan)
    if not len(kit.catalogue) and not state["text"].lstrip().startswith("/"):
        # Without a catalogue, what a product is can only be described; once, with what else is to be.
        once = next((s for s in plan if s.tool == "describe"), Step("describe"))
        if "question" in once.args and any(s.tool == "identify" for s in plan):
            once = Step("describe", {"question": state["text"]})
        plan = list({repr(s): s for s in (once if s.tool in ("identify", "describe") else s for s in plan)}.values())
    return {"plan": [to_json(s) for s in plan]}


def _offered(last: Json, state: State) -> Step | None:
    """What a plain yes or no does: the offer of the last turn is taken, or left."""
    offer = last.get("offer")
    if offer and offer["photo"] in state["photos"]:
        for says, answer in ((correcting.is_yes, "yes"), (correcting.is_no, "no")):
            if says(state["text"]):
                return Step("correct", {"answer": answer})
    return None


def fan_out(kit: TurnKit, state: State) -> list[Send] | str:
    """Send every step of the plan to its tool, once a photo; straight on where there is nothing to look at.

    After a question of ours, only what it was told has not been looked at.
    """
    before: list[Look] = []
    sends: list[Send] = []
    if told := state.get("told"):
        old = [photo for photo in state["photos"] if photo not in told.get("photos", [])]
        before = _looks(kit, {**state, "photos": old, "told": {}})
    elif state["photos"]:
        words = [step for step in state["plan"] if step["tool"] == "correct"]
        sends = [Send("correct", _said(state, step)) for step in words[:1]]
    sends += [Send(look["step"]["tool"], look) for look in _looks(kit, state) if look not in before]
    return sends or "weigh"


def _looks(kit: TurnKit, state: State) -> list[Look]:
    """What each tool of the plan is sent."""
    return [
        look
        for step in state["plan"]
        if step["tool"] in TOOLS
        for look in (_comparisons(kit, state, step) if step["tool"] == "compare" else _each(state, step))
    ]


def _said(state: State, step: Json) -> Said:
    return Said(
        step=step,
        text=state["text"],
        photos=state["photos"],
        thread=state["thread"],
        turn=state["turn"],
        language=state["language"],
    )


def _each(state: State, step: Json) -> list[Look]:
    """The step for each photo, or for the one that it names by its number, from 1, and for what was sent when asked."""
    args = dict(step.get("args", {}))
    number = args.pop("photo", "")
    photos = state["photos"]
    if number.isdecimal() and 0 < int(number) <= len(photos):
        sent = state.get("told", {}).get("photos", [])
        photos = list(dict.fromkeys([photos[int(number) - 1], *sent]))
    return [_look(state, {**step, "args": args}, photo) for photo in photos]


def _look(state: State, step: Json, photo: PhotoId) -> Look:
    return Look(step=step, photo=photo, turn=state["turn"], language=state["language"])


def _closer(state: State, closer: thin.Closer) -> Json:
    """A closer look as plain JSON, for the state."""
    return {**_look(state, to_json(closer.step), closer.photo), "part": list(closer.part)}


def _comparisons(kit: TurnKit, state: State, step: Json) -> list[Look]:
    """Each photo against what was ordered, or against its official picture; two photos with one another.

    Photos are compared with one another where that was asked, and where there is no catalogue. Where a person said
    which of several products it is, that is held against its official picture.
    """
    given = step.get("args", {})
    against = given.get("against")
    claimed = against if against not in (None, OTHER_PHOTO) else state.get("claimed")
    together = against == OTHER_PHOTO or not (claimed or len(kit.catalogue))
    first, *others = state["photos"]
    if others and together:
        return [_look(state, {"tool": "compare", "args": {"against": other}}, first) for other in others]
    args = {"against": claimed} if claimed and len(kit.catalogue) else {}
    if (choice := state.get("told", {}).get("choice")) and not args:
        args = {"told": choice}
    numbered = {k: v for k, v in given.items() if k == "photo"}
    looks = _each(state, {"tool": "compare", "args": numbered | args})
    if args or not len(kit.catalogue):
        return looks
    # Where nothing was ordered, a photo is held against what a person told us that it shows.
    return [
        {**one, "step": {"tool": "compare", "args": {"against": sku}}} if (sku := _taught(state, one["photo"])) else one
        for one in looks
    ]


def _taught(state: State, photo: PhotoId) -> str | None:
    """The SKU of what a person told us that a photo shows."""
    held = [from_json(Finding, f) for f in state["findings"] if f["tool"] == "taught" and f["photos"][0] == photo]
    return corrected.claimed_by(c for finding in held for c in finding.corrections)


def look(kit: TurnKit, sent: Look) -> Update:
    """Run one tool on one photo, or on a part of it from close by, and leave its finding."""
    step = from_json(Step, sent["step"])
    tell_step(step.tool, sent["photo"])
    model = kit.model
    if model:
        model = model.during(kit.turns.of(sent["turn"], model.patience)) if "turn" in sent else model.begun()
    bound = replace(kit, model=model, language=sent.get("language", DEFAULT))
    photo = kit.photos.get(sent["photo"])
    if "part" in sent:
        part = Box(*sent["part"])
        cut, zoom = crop(photo, part)
        # Nobody keeps the part, and nobody would forget what was read on it.
        found = TOOLS[step.tool](cut, replace(bound, readings=PassingReadings()), **step.args)
        finding = back(found, photo, part, zoom)
    else:
        finding = TOOLS[step.tool](photo, bound, **step.args)
    if told := step.args.get("told"):
        finding = replace(finding, id=again(finding.id, told))
    return {"findings": [tell_finding(finding)]}


def correct(kit: TurnKit, sent: Said) -> Update:
    """Keep what a person told us was wrong, once however often this is run, or do what was offered."""
    tell_step("correct")
    before = kit.sessions.last(sent["thread"])
    reply = Reply.from_dict(before) if before else None
    args = sent["step"].get("args", {})
    if "answer" in args and reply and reply.offer:
        finding = correcting.answered(kit, reply.offer, args["answer"] == "yes", sent["thread"])
    else:
        said = args.get("said") or sent["text"]
        finding = correcting.correct(
            kit, said, reply, sent["photos"], thread=sent["thread"], turn=sent["turn"], language=sent["language"]
        )
    return {"findings": [tell_finding(finding)]}


def weigh(kit: TurnKit, state: State) -> Update:
    """Decide which photos carry no answer, what is worth a closer look, and else whether to ask for something."""
    findings = findings_of(state)
    qualities = qualities_of(findings)
    retake = _too_poor(findings)
    rounds = state.get("rounds", 0)
    closer: list[thin.Closer] = []
    if rounds < thin.ROUNDS:
        readings = {photo: kit.readings.get(photo, kit.reader.name) for photo in qualities}
        sizes = {photo: quality.size for photo, quality in qualities.items()}
        looks = [f for f in findings if f.tool in TOOLS]
        closer = thin.closer_looks(looks, sizes, {p: r for p, r in readings.items() if r}, retake)
    asks = None
    if state.get("may_ask") and not state.get("told") and not closer:
        looks = [f for f in standing_of(state, findings) if f.tool in TOOLS]
        asks = thin.ask_for(state["language"], looks, qualities, retake)
    return {
        "retake": retake,
        "closer": [_closer(state, one) for one in closer],
        "rounds": rounds + 1,
        "asks": to_json(asks) if asks else None,
    }


def _too_poor(findings: Sequence[Finding]) -> list[PhotoId]:
    """Photos too poor to look at, in which nothing was found."""
    seen = [f for f in findings if f.tool in TOOLS and (f.text or f.regions or f.matches)]
    # Where a question is open, the instruments may have seen something all the same.
    telling = [f for f in seen if f.outcome in ("found", "not_looked")]
    found = {photo for f in telling for photo in f.photos}
    poor = [f.photos[0] for f in findings if f.tool == "quality" and f.quality and f.quality.level == "retake"]
    return [photo for photo in poor if photo not in found]


def look_closer(state: State) -> list[Send] | str:
    """Send what is worth a closer look; on to the answer where nothing is."""
    return [Send(look["step"]["tool"], look) for look in state.get("closer", [])] or "answer"


def asks(state: State) -> str:
    """Wait for what would settle the turn, which is answered and kept; or end it."""
    return "ask" if state["reply"].get("asks") else END


def ask(kit: TurnKit, state: State) -> Update:
    """Stop, and go on with what the person sends: photos to look at with the same plan, or which product it is."""
    told: Told = interrupt(state["reply"]["asks"])
    photos = [photo for photo in told.get("photos", []) if photo not in state["photos"]]
    findings = _measured(kit, photos)
    if choice := told.get("choice"):
        product = kit.catalogue.product(choice)
        word = Match(product.sku, product.title, product.references[0], ("told",))
        findings.append(Finding("told", "told", "found", (state["photos"][0],), "you", 0.0, matches=(word,)))
    return {
        "photos": [*state["photos"], *photos],
        "findings": [tell_finding(f) for f in findings],
        "rounds": 0,
        "told": {**told, "photos": photos},
    }


def remember(kit: TurnKit, state: State) -> Update:
    """Commit the turn to its thread: once, or again where what it asked for has been told. Answer its message."""
    kit.sessions.commit(state["thread"], state["turn"], state["reply"])
    return messages.answered(state)
