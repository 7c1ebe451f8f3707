"""The steps of a turn: state in, changes out. What they may use is bound when the graph is built."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from langgraph.config import get_stream_writer
from langgraph.graph import END
from langgraph.types import Overwrite, Send, interrupt

from ..prompts import say
from ..tools.crops import PassingReadings, back, crop
from ..tools.kit import Kit
from ..tools.toolbox import TOOLS
from ..tools.types import Box, Finding, Match, Outcome, PhotoId, Quality, Region, Size, again
from . import answer as composing
from . import corrected, correcting, handoff, ledger, products, telling, thin
from .language import DEFAULT, language_of
from .manners import Asking, more, put
from .premises import premises
from .reply import Ask, Claim, Picture, Progress, Reply, Statement, Step, from_json, to_json
from .router import OTHER_PHOTO
from .state import Json, Look, Said, State, Told, TurnKit, Update
from .tickets import Placed

_REMEMBERED = 8
"""Turns of a thread that an answer knows of, so that it does not say the same again."""

# Sentences are released one by one, statuses as they happen; both through LangGraph's custom stream.
STATUS, SENTENCE = "status", "sentence"


def receive(kit: TurnKit, state: State) -> Update:
    """Begin a turn: find the photos it is about, measure each, recall what people told us, settle the language."""
    before = kit.sessions.last(state["thread"])
    photos = list(dict.fromkeys(state.get("photos") or (before or {}).get("photos", [])))
    # What was ordered holds for the photos it was said of; without a catalogue it was said that it means nothing here.
    holds = before if before and not state.get("photos") and len(kit.catalogue) else {}
    # Nobody is asked twice for what they did not send.
    asked = before is not None and before.get("asks") and set(before["photos"]) == set(photos)
    return {
        "photos": photos,
        "claimed": state.get("claimed") or holds.get("claimed"),
        "language": language_of(state["text"], (before or {}).get("language")),
        "findings": Overwrite([to_json(f) for f in _measured(kit, photos)]),
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
        _status("receive", photo)
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
    _status("route")
    if answered := _offered(kit, state):
        return {"plan": [to_json(answered)]}
    last = kit.sessions.last(state["thread"]) or {}
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


def _offered(kit: TurnKit, state: State) -> Step | None:
    """What a plain yes or no does: the offer of the turn before is taken, or left."""
    offer = (kit.sessions.last(state["thread"]) or {}).get("offer")
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
    _status(step.tool, sent["photo"])
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
    return {"findings": [to_json(finding)]}


def correct(kit: TurnKit, sent: Said) -> Update:
    """Keep what a person told us was wrong, once however often this is run, or do what was offered."""
    _status("correct")
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
    return {"findings": [to_json(finding)]}


def weigh(kit: TurnKit, state: State) -> Update:
    """Decide which photos carry no answer, what is worth a closer look, and else whether to ask for something."""
    findings = _findings(state)
    qualities = _qualities(findings)
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
        looks = [f for f in _standing(state, findings) if f.tool in TOOLS]
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
        "findings": [to_json(f) for f in findings],
        "rounds": 0,
        "told": {**told, "photos": photos},
    }


def answer(kit: TurnKit, state: State) -> Update:
    """Write statements from the findings, check each, release those that hold, draw their evidence."""
    findings = _findings(state)
    findings += corrected.of_products(kit, findings)
    standing = _standing(state, findings)
    qualities = _spoken_of(state, standing)
    sizes = {photo: quality.size for photo, quality in _qualities(findings).items()}
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
            get_stream_writer()({SENTENCE: to_json(statement)})
    claims += telling.withheld(findings, sizes)
    pictures = _draw(kit, state["turn"], state["photos"], findings, claims)
    pictures += _compared(kit, state["turn"], standing, state["language"])
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
        get_stream_writer()({SENTENCE: to_json(statement)})
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


def remember(kit: TurnKit, state: State) -> Update:
    """Commit the turn to its thread: once, or again where what it asked for has been told."""
    kit.sessions.commit(state["thread"], state["turn"], state["reply"])
    return {}


def _unchecked(kit: TurnKit, state: State) -> str | None:
    """What was ordered, where there is no catalogue to hold it against and nothing in the plan says so."""
    compares = any(step["tool"] == "compare" for step in state["plan"])
    return None if len(kit.catalogue) or compares else state.get("claimed")


def _status(step: str, photo: PhotoId | None = None) -> None:
    get_stream_writer()({STATUS: to_json(Progress(step, photo))})


def _findings(state: State) -> list[Finding]:
    """Findings in the order of the plan's photos and tools, whatever order the tools finished in."""
    findings = [from_json(Finding, f) for f in state["findings"]]
    tools = ["quality", "taught", "told", *(step["tool"] for step in state.get("plan", []))]
    return sorted(findings, key=lambda f: (state["photos"].index(f.photos[0]), tools.index(f.tool)))


def _standing(state: State, findings: Sequence[Finding]) -> list[Finding]:
    """What is said: of looks taken again the one that says more, and not what another photo was sent to show."""
    return thin.standing(findings, state.get("told", {}).get("photos", []))


def _qualities(findings: Iterable[Finding]) -> dict[PhotoId, Quality]:
    return {f.photos[0]: f.quality for f in findings if f.tool == "quality" and f.quality}


def _spoken_of(state: State, standing: Sequence[Finding]) -> dict[PhotoId, Quality]:
    """The photos that there is something to say of: not those in whose place another one was sent."""
    said = {photo for f in standing if f.tool != "quality" for photo in f.photos}
    qualities = _qualities(standing)
    return {p: q for p, q in qualities.items() if p in said} if state.get("told", {}).get("photos") else qualities


def _outcome(findings: Iterable[Finding]) -> Outcome:
    outcomes = {f.outcome for f in findings if f.tool in (*TOOLS, "correct")}
    order: Sequence[Outcome] = ("found", "unreadable", "absent")
    return next((o for o in order if o in outcomes), "not_looked")


def _draw(
    kit: TurnKit, turn: str, photos: Sequence[PhotoId], findings: Sequence[Finding], claims: Sequence[Claim]
) -> list[Picture]:
    """One picture for each photo that a claim points into, its regions numbered in the order they are claimed."""
    from ..tools.photos import pixels
    from ..tools.picture import annotate, save

    # What a comparison found is shown beside the official picture.
    of = {f.id: f.photos[0] for f in findings if f.tool != "compare"}
    pictures = []
    for photo in photos:
        regions: list[Region] = list(
            dict.fromkeys(c.region for c in claims if c.region is not None and of.get(c.finding) == photo)
        )
        if regions:
            path = kit.pictures / turn / f"{photo[7:15]}.jpg"
            save(annotate(pixels(kit.photos.get(photo)), regions), path)
            pictures.append(Picture(str(path), photo, tuple(r.label for r in regions)))
    return pictures


def _compared(kit: TurnKit, turn: str, findings: Sequence[Finding], language: str) -> list[Picture]:
    """For each comparison that came to a verdict, both sides beside one another with the differences numbered."""
    pictures: list[Picture] = []
    for finding in findings:
        if finding.verdict is not None and finding.verdict.answer != "cannot_tell":
            path = kit.pictures / turn / f"{finding.photos[0][7:15]}-compared-{len(pictures) + 1}.jpg"
            if draw_compared(kit, finding, language, path):
                legend = products.legend(language, finding.differences)
                pictures.append(Picture(str(path), finding.photos[0], legend))
    return pictures


def draw_compared(kit: Kit, finding: Finding, language: str, path: Path) -> bool:
    """Save a comparison side by side; `False` where nothing was laid onto anything."""
    from ..tools.photos import pixels
    from ..tools.picture import save
    from ..tools.side_by_side import side_by_side
    from ..tools.views import corner, shown

    wanted = finding.differences[0].reference if finding.differences else None
    laid = [m for m in finding.matches if m.homography and wanted in (None, m.reference)]
    if not laid or laid[0].homography is None:
        return False
    pair = laid[0].sources == ("photo",)
    other = kit.photos.get(laid[0].reference) if pair else kit.catalogue.photo(laid[0].reference)
    left, right = ("second", "first") if pair else ("confirmed" if laid[0].confirmed else "official", "sent")
    captions = say(language, f"picture.{left}"), say(language, f"picture.{right}")
    # Of a confirmed photo the pack alone is shown, and nothing of where its customer was.
    view = kit.catalogue.view(laid[0].reference, laid[0].sku) if laid[0].confirmed else None
    quad = view.quad if view else None
    x, y = corner(quad, other.size)
    (a, b, c), (d, e, f), (g, h, i) = laid[0].homography
    homography = (a, b, a * x + b * y + c), (d, e, d * x + e * y + f), (g, h, g * x + h * y + i)
    there = [Box(m.there.x0 - x, m.there.y0 - y, m.there.x1 - x, m.there.y1 - y) for m in finding.differences]
    marks = [replace(mark, there=box) for mark, box in zip(finding.differences, there, strict=True)]
    seen = pixels(kit.photos.get(finding.photos[0]))
    save(side_by_side(seen, shown(pixels(other), quad), homography, marks, captions), path)
    return True
