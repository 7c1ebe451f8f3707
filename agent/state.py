"""The state of one turn, and the kit its nodes are bound to.

The state is this turn only and plain JSON: findings, statements and claims are the dictionaries that
`reply.to_json` makes, photos are `sha256:` references. Pixels never enter it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import add
from pathlib import Path
from typing import Annotated, Any, NotRequired, Protocol

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict  # before Python 3.12, pydantic makes no schema of the one in typing

from ..memory.corrections import Corrections
from ..tools.kit import Catalogue, Kit
from ..tools.models.model import Model, Turns
from ..tools.types import Photo, PhotoId, Quad, View
from .reply import Step
from .router import Routed
from .tickets import Tickets

Json = dict[str, Any]


class Asked(TypedDict, total=False):
    """What comes in: a question, the photos it is about (ids in the kit's store), and names for thread and turn.

    Or `messages`: the last one of a person is the turn, unless we have answered it, and names it. Its images go into
    the kit's store, and it is replaced by one that names them by id. Where nobody names a thread it is that of the
    host's checkpointer, else a new one.
    `manner` is one of `manners.MANNERS`, "plain" where nobody said; `strict`: only what is supported is to be said.
    `may_ask`: whoever runs the machine has a checkpointer and takes its questions to the person. Without it, it never
    interrupts.
    """

    text: str
    photos: list[PhotoId]
    thread: str
    turn: str
    claimed: str | None
    manner: str
    strict: bool
    may_ask: bool
    messages: Annotated[list[AnyMessage], add_messages]


class Told(TypedDict, total=False):
    """What a person answers to a question of ours: ids of photos in the kit's store, or the SKU that they chose."""

    photos: list[PhotoId]
    choice: str


class Answered(TypedDict, total=False):
    """What goes out. Nothing else does: a host's own reducers would add our findings up over its turns.

    The answer to a message is the message after it, whose `response_metadata` carries the reply as well.
    """

    reply: Json
    messages: Annotated[list[AnyMessage], add_messages]


class State(Asked, total=False):
    """What a turn knows so far."""

    reply: Json
    language: str
    plan: list[Json]
    findings: Annotated[list[Json], add]
    retake: list[PhotoId]
    closer: list[Json]
    rounds: int
    asks: Json | None
    told: Told


class Look(TypedDict):
    """What one tool node is sent: one step of the plan and one photo, or the part of it to look at from close by.

    A checkpoint that an earlier version left has neither the turn nor its language.
    """

    step: Json
    photo: PhotoId
    turn: NotRequired[str]
    language: NotRequired[str]
    part: NotRequired[list[float]]


class Said(TypedDict):
    """What the node that takes corrections in is sent: the step of the plan, the words, and what they are about."""

    step: Json
    text: str
    photos: list[PhotoId]
    thread: str
    turn: str
    language: str


class Update(TypedDict, total=False):
    """What a node changes."""

    messages: list[AnyMessage]
    text: str
    thread: str
    turn: str
    photos: list[PhotoId]
    claimed: str | None
    language: str
    plan: list[Json]
    findings: Any
    retake: list[PhotoId]
    may_ask: bool
    closer: list[Json]
    rounds: int
    asks: Json | None
    told: Told
    reply: Json


class Sessions(Protocol):
    """Finished turns, by thread."""

    def last(self, thread: str) -> Json | None:
        """The last finished turn of a thread as `Reply.to_dict` made it; `None` before the first."""
        ...

    def lately(self, thread: str, n: int) -> Sequence[Json]:
        """The last `n` finished turns of a thread, oldest first."""
        ...

    def commit(self, thread: str, turn: str, reply: Json) -> None:
        """Keep a finished turn; doing it twice is harmless."""
        ...


class Keeping(Protocol):
    """Photos that can be added to, and the threads that they belong to."""

    def add(self, photo: Photo) -> PhotoId:
        """Keep a photo; adding it twice is harmless."""
        ...

    def refer(self, thread: str, photos: Iterable[PhotoId]) -> None:
        """Note that a thread is about these photos."""
        ...


class Confirming(Catalogue, Protocol):
    """A catalogue that can be taught by photos that were confirmed to show a product."""

    def confirm(
        self,
        photo: Photo,
        sku: str,
        quad: Quad | None,
        *,
        by: str | None = None,
        edition: str | None = None,
        source: str | None = None,
    ) -> View:
        """Keep a photo as a view of a product; the same again changes nothing."""
        ...


class Planner(Protocol):
    """Whatever names the tools of a turn."""

    def plan(
        self, text: str, photos: int, *, before: Sequence[Step] = (), ordered: bool = False, model: Model | None = None
    ) -> Routed:
        """The steps, in the order they can run, and by how much they are the likeliest."""
        ...


@dataclass(frozen=True, kw_only=True)
class TurnKit(Kit):
    """A Kit with what the nodes need beside it."""

    catalogue: Confirming
    router: Planner
    sessions: Sessions
    store: Keeping
    """Where the images of messages go; `photos` finds them there."""
    pictures: Path
    tickets: Tickets
    corrections: Corrections = field(default_factory=lambda: Corrections(Path(":memory:")))
    """What people told us we got wrong; where no store is given, it is kept as long as the kit is."""
    today: Callable[[], date] = date.today
    """The clock: the date where the question is asked."""
    turns: Turns = field(default_factory=Turns)
    """What the model's requests of each turn under way share."""
