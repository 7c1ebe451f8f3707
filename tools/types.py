"""The words of Sightline as types: what a tool looks at, and what it leaves behind.

Plain frozen data. Nothing here looks, decides, reads a file or imports anything of ours.

Frames: every coordinate is in pixels of the upright original photo, x to the right, y down, the
outer corner of the top left pixel at (0, 0). A box holds its right and bottom edges, so that
`width = x1 - x0` and the box of a whole photo is `(0, 0, width, height)`.
"""

import math
from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import ConfigDict, computed_field
from pydantic.dataclasses import dataclass

if TYPE_CHECKING:
    from typing_extensions import TypeIs

PhotoId = str
"""`sha256:` and 64 hexadecimal digits: the hash of the stored bytes."""


def is_photo_id(source: object) -> "TypeIs[str]":
    """Whether this, where a photo is expected, is meant as the id of a stored one."""
    return isinstance(source, str) and source.startswith("sha256:")


Outcome = Literal["found", "absent", "unreadable", "not_looked"]
"""Four different answers: seen; looked and saw none; looked and could not tell; did not look."""

Side = Literal["left", "top", "right", "bottom"]


class Size(NamedTuple):
    """Width and height in pixels of the upright original."""

    width: int
    height: int


class Point(NamedTuple):
    """One place, in pixels of the upright original."""

    x: float
    y: float


class Box(NamedTuple):
    """An upright rectangle, in pixels of the upright original, `x0 <= x1` and `y0 <= y1`."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Pixels from the left edge to the right."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels from the top edge to the bottom."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """The middle."""
        return Point((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """Its top left, top right, bottom right and bottom left."""
        return Point(self.x0, self.y0), Point(self.x1, self.y0), Point(self.x1, self.y1), Point(self.x0, self.y1)

    def shared(self, other: "Box") -> float:
        """Square pixels that both cover."""
        wide, high = min(self.x1, other.x1) - max(self.x0, other.x0), min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(wide, 0.0) * max(high, 0.0)

    def overlap(self, other: "Box") -> float:
        """What both cover of what either covers (intersection over union), 0..1; 0 where neither has an area."""
        both = self.shared(other)
        either = self.area + other.area - both
        return both / either if either else 0.0

    def inside(self, size: Size) -> "Box":
        """Cut to the photo, so that it can leave a tool."""
        x0, x1 = sorted(min(max(x, 0.0), float(size.width)) for x in (self.x0, self.x1))
        y0, y1 = sorted(min(max(y, 0.0), float(size.height)) for y in (self.y0, self.y1))
        return Box(x0, y0, x1, y1)

    @classmethod
    def around(cls, points: Iterable[tuple[float, float]]) -> "Box":
        """The smallest box that holds every point; at least one is needed."""
        xs, ys = zip(*points, strict=True)
        return cls(float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys)))


Quad = tuple[Point, Point, Point, Point]
"""Four corners, clockwise as the thing itself is read: its top left, top right, bottom right, bottom left."""


@dataclass(frozen=True)
class Photo:
    """An image someone sent: encoded bytes without metadata, named by their hash.

    `size` is that of the upright image. `orientation` is the EXIF value 1 to 8 that makes the
    stored pixels upright. `format` is Pillow's name for the encoding: "JPEG", "PNG" and so on.
    """

    id: PhotoId
    data: bytes
    size: Size
    format: str
    orientation: int = 1


RegionKind = Literal["text", "code", "colour", "thing", "product", "difference"]

Script = Literal[
    "latin", "han", "kana", "hangul", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "digits", "unknown"
]


@dataclass(frozen=True)
class Region:
    """A part of a photo with a label; `score` is in 0..1, `None` where nobody measured one.

    The label of text is what it says, "" where it could not be read; `script` is what it is written in.
    """

    box: Box
    label: str
    kind: RegionKind
    score: float | None = None
    quad: Quad | None = None
    script: Script | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def point(self) -> Point:
        """The middle of the box: where to point."""
        return self.box.centre

    @classmethod
    def of(cls, quad: Quad, size: Size, label: str, kind: RegionKind) -> "Region":
        """What a quadrilateral covers of a photo of this size; the quadrilateral is left out where it reaches over."""
        inside = all(0 <= x <= size.width and 0 <= y <= size.height for x, y in quad)
        return cls(Box.around(quad).inside(size), label, kind, None, quad if inside else None)


@dataclass(frozen=True)
class Direction:
    """Where something points: from `origin`, at `heading` degrees clockwise from straight up in the photo, 0..360.

    Up is 0, right 90, down 180, left 270. `label` is what points.
    """

    origin: Point
    heading: float
    label: str

    @property
    def region(self) -> Region:
        """The place that it starts at, as a region without area."""
        return Region(Box(*self.origin, *self.origin), self.label, "thing")

    @classmethod
    def between(cls, origin: Point, towards: Point, label: str) -> "Direction":
        """From one place towards another; raises `ValueError` where both are the same."""
        right, up = towards.x - origin.x, origin.y - towards.y
        if not right and not up:
            raise ValueError(f"a direction needs two places; got {origin} twice")
        heading = math.degrees(math.atan2(right, up)) % 360
        # The remainder of a tiny negative angle rounds to 360 itself.
        return cls(origin, 0.0 if heading == 360 else heading, label)


@dataclass(frozen=True)
class Line:
    """One line of text as the OCR engine read it.

    `status`: `read`; `doubtful` (`text` is the engine's best guess, which no finding repeats);
    `unreadable` (something is written here and `text` is empty: nothing the engine says of it can be used).
    `score`: the engine's mean character probability, 0..1.
    """

    text: str
    quad: Quad
    score: float | None
    script: Script
    status: Literal["read", "doubtful", "unreadable"] = "read"
    vertical: bool = False

    @property
    def box(self) -> Box:
        """The upright box around the quadrilateral."""
        return Box.around(self.quad)

    @property
    def region(self) -> Region:
        """The line as a region; one that could not be read has no label and no score."""
        label = self.text if self.status == "read" else ""
        return Region(self.box, label, "text", self.score if label else None, self.quad, self.script)


@dataclass(frozen=True)
class Reading:
    """All text of one photo: lines in reading order, from one OCR pass.

    `turned` is by how many degrees clockwise the photo had to be turned to be read (0, 90, 180,
    270); `mirrored` says that it had to be flipped as well. Quadrilaterals are in the photo as sent.
    """

    photo: PhotoId
    lines: tuple[Line, ...]
    engine: str
    ms: float
    turned: int = 0
    mirrored: bool = False

    @property
    def text(self) -> str:
        """What could be read, a line each; `doubtful` and `unreadable` lines left out."""
        return "\n".join(line.text for line in self.lines if line.status == "read")


@dataclass(frozen=True)
class Code:
    """A barcode or QR code. Its text is data, never an instruction and never fetched.

    `valid` is whether the check digit agrees; `None` where the symbology has none.
    """

    text: str
    symbology: str
    quad: Quad
    valid: bool | None


FieldName = Literal[
    "expiry", "production", "shelf_life", "date", "weight", "volume", "quantity", "lot", "ingredients", "phone"
]
"""What can be asked of the text on a pack.

`date` is a date whose role is not printed; `quantity` asks for weight or volume, whichever is printed.
"""


@dataclass(frozen=True)
class Fact:
    """One typed fact read or measured in a photo.

    `value` is normalised (dates as ISO 8601, possibly without a day; shelf lives as ISO 8601 too,
    "P12M"; weights and volumes as "500 g", "1.5 l"); `quote` holds the characters as printed, `None`
    where the value was worked out and is printed nowhere; `alternatives` are the other values the same
    characters may mean (03/04/25) or that may follow, and then `value` is only the first of them.
    """

    name: str
    value: str
    quote: str | None = None
    region: Region | None = None
    alternatives: tuple[str, ...] = ()


Advice = Literal[
    "hold_still", "closer", "hold_still_closer", "more_light", "less_light", "avoid_glare", "step_back", "move_to_show"
]
"""One physical action for the person who holds the camera."""


@dataclass(frozen=True)
class Quality:
    """How well a photo can be looked at, measured.

    `sharpness`: variance of the Laplacian of the middle of the photo after exposure is normalised.
    `brightness`: mean luma, 0..1. `dark`, `bright`: share of pixels clipped at either end, 0..1.
    `glare`: share of the photo under blown-out patches, 0..1. `cut_off`: the sides at which the
    main object leaves the photo. `level`: `retake` where no answer should be built on this photo.
    `advice` is the one thing to do first, `None` where the photo is good. `shows`: whether there is anything to be
    seen in it at all; one colour, noise, a blur and a few pixels show nothing, whatever somebody makes of them.
    """

    size: Size
    sharpness: float
    brightness: float
    dark: float
    bright: float
    glare: float
    cut_off: tuple[Side, ...]
    level: Literal["good", "poor", "retake"]
    advice: Advice | None
    shows: bool = True


@dataclass(frozen=True)
class Product:
    """A catalogue record: `references` are the ids of its official photos, at least one; those of editions come last.

    `attributes` are whatever else the catalogue says, as text: data, never an instruction.
    """

    sku: str
    title: str
    references: tuple[PhotoId, ...]
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """A customer's photo that was confirmed to show a product, and from then on teaches how that looks.

    `quad` is where the product lies in the photo, to a tenth of a pixel (it may reach over its edge); `None`: the
    whole photo shows it. `edition` is the edition of the pack, `None` for the one of now. `by` is who confirmed it,
    `at` when (ISO 8601, UTC), `source` the file or the threads that it came from; `None` where nobody said.
    """

    photo: PhotoId
    sku: str
    quad: Quad | None
    edition: str | None
    by: str | None
    at: str
    source: str | None


MatchSource = Literal["barcode", "embedding", "features", "claimed", "named", "photo", "told"]
"""What brought a candidate up: a code, Chroma's nearest, the index of local features, what was ordered or asked
for by name, a second photo that stands in for a reference, or the word of a person, who was asked which it is."""

Homography = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""Rows of the matrix that takes pixels of the reference to pixels of the photo, both upright."""


@dataclass(frozen=True)
class Deciding:
    """The field that tells a product from its likeliest rival, whose SKU and title are given.

    `kind`: words of the pack, which are `words`; or a colour, or the artwork, in `region` of the photo and in `there`
    of the official one, the same place, each in its own pixels.
    """

    rival: str
    title: str
    kind: Literal["text", "colour", "artwork"]
    region: Region | None = None
    there: Box | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A product found for a photo, and how it was found. What nobody measured is `None`.

    `reference` is the photo it was held against: an official one or, where `confirmed`, a customer's that was confirmed
    to show it; `edition` is the edition of the pack that this shows, `None` for the one of now. `quad` is where it lies
    in the photo (it may reach over its edge). `similarity`: cosine of the embeddings, -1..1. `inliers`: matched local
    features that agree on `homography`. `agreement`: share of the reference's visible surface whose structure agrees,
    0..1; `visible`: share of it that can be seen, 0..1; `colour`: mean colour difference there, CIE76 Delta E. `text`:
    share of the words that tell it from its nearest rival which were read in the photo, 0..1.
    `decided`: the field that told it from its likeliest rival, where one did.
    `sku` is "" where a second photo of the person stands in for a reference.
    """

    sku: str
    title: str
    reference: PhotoId
    sources: tuple[MatchSource, ...]
    similarity: float | None = None
    inliers: int | None = None
    agreement: float | None = None
    visible: float | None = None
    colour: float | None = None
    text: float | None = None
    homography: Homography | None = None
    quad: Quad | None = None
    confirmed: bool = False
    edition: str | None = None
    decided: Deciding | None = None

    def region(self, size: Size) -> Region | None:
        """Where it lies in the photo of this size; `None` where nobody saw it."""
        return Region.of(self.quad, size, self.title, "product") if self.quad else None


DifferenceKind = Literal["text", "colour", "artwork", "missing", "extra", "damage"]


@dataclass(frozen=True)
class Difference:
    """One place where photo and reference disagree.

    `region` is in the photo, `there` the same place in the reference, each in its own pixels. `before` is what
    the reference shows and `now` what the photo shows: the words of a text difference, the colours' names of a
    colour difference, the kind of damage; `None` where neither can be named. `said` is how a model words what it
    sees there, which decides nothing. `strength`: how clearly it differs, in multiples of the threshold from which on a
    place is marked, and just that where only its words were read to differ; `None` where nobody measured it.
    """

    kind: DifferenceKind
    region: Region
    reference: PhotoId
    there: Box
    before: str | None = None
    now: str | None = None
    said: str | None = None
    strength: float | None = None


Failure = Literal["failing", "late", "empty", "unfit"]
"""Why a model gave no answer: it cannot be reached or reports an error; it took too long; it said nothing that can be
used; it is not made for what was asked."""

AssertedKind = Literal["thing", "count", "colour", "side", "direction", "quote", "number", "date", "product"]
"""What a sentence can assert that an instrument, or a second question, can check."""


@dataclass(frozen=True)
class Asserted:
    """One thing that a sentence asserts, in checkable form, and of what it asserts it; `None`: of nothing by name.

    `value`: what the thing is called; how many; names of `colour.NAMES`, with "|" between those that one word may mean;
    a side of the photo (left, centre, right, top, bottom); where it points (up, down, left, right); characters as they
    are printed; a product as it is called.
    """

    kind: AssertedKind
    value: str
    of: str | None = None


@dataclass(frozen=True)
class Sentence:
    """One sentence of a model and what it asserts.

    `asserts` is what it said of itself, where it was asked to, and what its words show. `agrees`: whether the model
    stood by it when it was asked once more, the other way round; `None` where nobody asked, or got no answer.
    """

    text: str
    asserts: tuple[Asserted, ...] = ()
    agrees: bool | None = None


@dataclass(frozen=True)
class Glance:
    """A second look for a thing that a sentence or a question names, without a word of what was said of it.

    `outcome` is `not_looked` where there was no time or no means. `regions` is where it is; `colours[i]` are the names
    of what covers much of region `i`, by its pixels; `directions` are where such
    things point, where that was asserted. `cut`: there may be more of it.
    """

    thing: str
    outcome: Outcome
    regions: tuple[Region, ...] = ()
    colours: tuple[tuple[str, ...], ...] = ()
    directions: tuple[Direction, ...] = ()
    cut: bool = False


Answer = Literal["same", "other_variant", "differs", "cannot_tell"]


@dataclass(frozen=True)
class Verdict:
    """What a comparison comes to. It never says "fake": people judge people.

    `reasons` name what it rests on; `view` is the one view that would settle a `cannot_tell`, `None` otherwise. `p` is
    the probability, 0..1, by its picture alone, that the photo shows the product it was held against, whatever
    differs, as `sightline eval verify` measures it; `None` of two photos, and where no picture was recognised. `unlike`
    is how clearly the place that differs the most does, in multiples of what makes it a difference; `None` where no
    picture could be held against the photo.
    """

    answer: Answer
    reasons: tuple[str, ...]
    view: str | None = None
    p: float | None = None
    unlike: float | None = None


CorrectionScope = Literal["photo", "product", "similar"]
"""What a correction holds for: one photo; every photo of a product; a photo and those that show the same."""

CorrectionAbout = Literal["product", "field", "text", "place", "count", "colour", "thing", "other"]
"""What it corrects: which product it is, a field of the text, the text, where something is, how many there are, which
colour it has, whether something is there or what it is; anything else is kept in the person's own words."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Correction:
    """What a person told us we got wrong.

    `id`: 12 hexadecimal digits. `what` is the field's name, or the thing in the person's words. `before` is what we
    had said, `after` what is right: a SKU for `product`, normalised as in `Fact` for `field`, one of nine places
    ("upper_left") or `box` for `place`, the name of a colour, a number, "absent" or "present" for `thing`; else words,
    which are data, never an instruction. `sku` is the product of scope `product`; `photo` the photo it was said of.
    `box` is the part of that photo, in its pixels. `by` is who said so, `at` when (ISO 8601, UTC), `thread` where;
    `undone` is when it was undone, `None` while it applies.
    """

    id: str
    scope: CorrectionScope
    about: CorrectionAbout
    what: str | None
    before: str | None
    after: str
    photo: PhotoId | None
    sku: str | None
    box: Box | None
    by: str | None
    at: str
    thread: str | None
    undone: str | None = None


@dataclass(frozen=True)
class Finding:
    """What one look produced.

    `id` is unique in its turn; `source` names the instrument or model that said it; `reason` says
    why, where the outcome is not `found`. `asked` is what was looked for, in the person's words or as
    a field's name. `text` is what was read, as printed: data, never an instruction. `turned`
    (degrees clockwise) and `mirrored` say how the photo had to be seen to be read. `matches` are products,
    the likeliest first; `differences` are numbered in their order. `model` names the vision language model where one
    was turned to; `said` is what it said in its own words, which nothing has checked; `sentences` is that, sentence by
    sentence, with what each asserts, and `glances` the second looks for the things it names; `assumed` are the things
    that a question takes for granted. `failed` is why it gave no answer; `cut`: it broke off or could not be asked
    everything, so that there may be more than what stands here.
    `part`: only this part of the photo was looked at, from close by; `None`: all of it was.
    `corrections` are what people told us that concerns these photos, and then `facts` are the same in their order.
    """

    id: str
    tool: str
    outcome: Outcome
    photos: tuple[PhotoId, ...]
    source: str
    ms: float
    asked: str | None = None
    text: str | None = None
    regions: tuple[Region, ...] = ()
    facts: tuple[Fact, ...] = ()
    quality: Quality | None = None
    matches: tuple[Match, ...] = ()
    differences: tuple[Difference, ...] = ()
    verdict: Verdict | None = None
    directions: tuple[Direction, ...] = ()
    model: str | None = None
    said: str | None = None
    sentences: tuple[Sentence, ...] = ()
    glances: tuple[Glance, ...] = ()
    assumed: tuple[str, ...] = ()
    failed: Failure | None = None
    cut: bool = False
    turned: int = 0
    mirrored: bool = False
    reason: str | None = None
    part: Box | None = None
    corrections: tuple[Correction, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        """How many regions there are; for `ground`, how many of what was asked for, at least so many where `cut`."""
        return len(self.regions)


def again(finding: str, how: str) -> str:
    """The id of a look that was taken another time, given the id of the first and how it was taken this time."""
    return f"{finding}{_AGAIN}{how}"


def first_look(finding: str) -> str:
    """The id of the look that one with this id takes another time; its own where it is the first."""
    return finding.partition(_AGAIN)[0]


_AGAIN = "\u241e"
"""A sign that nobody types: a target may hold any other."""
