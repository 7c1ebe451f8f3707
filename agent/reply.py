"""What a turn gives back, as types: statements that cite findings, claims, pictures, and the Reply.

Plain data; nothing here decides. `Reply.to_dict` is the one form in which it leaves the process.
"""

from dataclasses import field
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from ..tools.types import Finding, Outcome, PhotoId, Region

_T = TypeVar("_T")

SlotKind = Literal[
    "quote",
    "number",
    "date",
    "code",
    "thing",
    "count",
    "colour",
    "side",
    "direction",
    "product",
    "difference",
    "verdict",
]
"""What a statement can assert that an instrument, or a second look, can check."""

Status = Literal["supported", "contradicted", "unverified"]


@dataclass(frozen=True)
class Step:
    """One entry of a plan: a tool and its arguments."""

    tool: str
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Slot:
    """One thing a statement asserts, in checkable form; `finding` is the one it rests on.

    `of` is the thing that a sentence of a model asserts it of, as it is called there.
    """

    kind: SlotKind
    value: str
    finding: str
    of: str | None = None


@dataclass(frozen=True)
class Statement:
    """One sentence of the answer, the findings it cites and what it asserts.

    `hedged`: it says itself that it is a model's word, which nothing could check in full.
    """

    text: str
    cites: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    hedged: bool = False


@dataclass(frozen=True)
class Claim:
    """A slot after checking: `statement` is its place in the reply; `region` the pixels that support it.

    A `statement` of `None`: a model claimed it, it was found not to hold, and it is not said. `of` is as in `Slot`.
    """

    statement: int | None
    kind: SlotKind
    value: str
    status: Status
    finding: str
    region: Region | None = None
    of: str | None = None


@dataclass(frozen=True)
class Picture:
    """A photo with numbered marks, as a file; `legend[i]` says what mark `i + 1` is.

    Where the photo was compared, it shows the official picture, or the other photo, beside it.
    """

    path: str
    photo: PhotoId
    legend: tuple[str, ...]


@dataclass(frozen=True)
class Offer:
    """What a plain yes in the next turn does: the photo is kept as a confirmed view of the product."""

    photo: PhotoId
    sku: str


@dataclass(frozen=True)
class Progress:
    """A status event of a streamed turn: what is being done, and to which photo."""

    step: str
    photo: PhotoId | None = None


@dataclass(frozen=True)
class Option:
    """One of the products that a person may choose between."""

    sku: str
    title: str


@dataclass(frozen=True)
class Ask:
    """The one photo, or the one choice, that would settle what could not be told.

    `text` asks for it, in the language of the reply. `view` names the view that a photo should show, `None` for a
    choice; `options` are what there is to choose from, in the order of their numbers, none for a photo.
    """

    kind: Literal["photo", "choice"]
    text: str
    view: str | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, config=ConfigDict(title="Reply"))
class Reply:
    """What a turn gives back.

    `outcome` sums up the looking: `found` where any tool found what it was sent for, else
    `unreadable` where any could not tell, else `absent`, else `not_looked`. `claimed` is the SKU that was ordered.
    `ticket` is the id of the ticket that hands the thread to a person, where the turn asked for one.
    `asks` is what the turn waits for: whoever sends it goes on with this turn, whose reply then takes its place.
    `offer` is what was offered to do on a yes.
    """

    text: str
    language: str
    plan: tuple[Step, ...]
    statements: tuple[Statement, ...]
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]
    pictures: tuple[Picture, ...]
    thread: str
    turn: str
    question: str
    photos: tuple[PhotoId, ...]
    outcome: Outcome
    claimed: str | None = None
    ticket: str | None = None
    asks: Ask | None = None
    offer: Offer | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, every field present; `Reply.json_schema()` describes it."""
        plain: dict[str, Any] = to_json(self)
        return plain

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema of `to_dict`."""
        return _adapter(Reply).json_schema(mode="serialization")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Reply":
        """Read back what `to_dict` wrote."""
        return from_json(cls, data)


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """One adapter a type: building one costs more than using it."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_json(value: Any) -> Any:
    """Plain JSON of one of our dataclasses; a score nobody measured stays `null`."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[_T], data: Any) -> _T:
    """The dataclass that `to_json` made plain."""
    result: _T = _adapter(kind).validate_python(data)
    return result
