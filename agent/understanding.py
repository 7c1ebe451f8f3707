"""What a person's correcting words mean, given the turn that they correct.

English and Chinese well; of other languages products by their names, dates, amounts and other fields, colours and
quoted words. What is not understood is kept in the person's own words. Nothing is looked at here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from ..prompts import languages, say
from ..tools.amounts import QUANTITY, quantity
from ..tools.colour import NAMES
from ..tools.dates import find_dates, han_number
from ..tools.errors import UnknownProduct
from ..tools.fields import find_fields
from ..tools.kit import Catalogue
from ..tools.types import (
    Box,
    CorrectionAbout,
    CorrectionScope,
    Fact,
    Finding,
    Line,
    Match,
    PhotoId,
    Point,
    Product,
    Reading,
)
from . import corrective as spoken
from .places import PLACES, place
from .reply import Reply


@dataclass(frozen=True)
class Understood:
    """What is to be corrected; fields as in `Correction`.

    `undo`: the last correction of the thread is to be undone. `choices`: the products that an identity may mean, where
    it may mean several; then `after` is "".
    """

    about: CorrectionAbout
    after: str
    what: str | None = None
    before: str | None = None
    scope: CorrectionScope = "photo"
    photo: PhotoId | None = None
    sku: str | None = None
    box: Box | None = None
    choices: tuple[Product, ...] = ()
    undo: bool = False


def understood(said: str, reply: Reply | None, catalogue: Catalogue, language: str) -> Understood:
    """What `said` corrects of the last turn, `reply`; `None` where there was none.

    Products are looked for among those that turn named and their siblings first, then in all the catalogue; months and
    colours are understood in the language's own words too. Whatever is not understood comes back as `other`.
    """
    plain = _plain(said)
    photo = _photo(plain, reply)
    if spoken.UNDO.match(plain):
        return Understood("other", plain, photo=photo, undo=True)
    words, scope = _scope(plain)
    words = spoken.LEAD.sub("", words).strip(" ,，.。!！;；") or words
    told = _Told(words, reply, catalogue, language, photo)
    meant = next(filter(None, (read(told) for read in _READERS)), None) or Understood("other", words)
    sku = told.recognised if scope == "product" else None
    if scope == "product" and sku is None:
        scope = "photo"  # of which product it would hold, nobody knows
    if scope == "similar" and meant.box is None:
        meant = replace(meant, box=told.seen_in)
    return replace(meant, scope=scope, photo=photo, sku=sku)


@dataclass(frozen=True)
class _Told:
    """The words, without scope and without "no, that is wrong", and what they are about."""

    words: str
    reply: Reply | None
    catalogue: Catalogue
    language: str
    photo: PhotoId | None

    @property
    def right(self) -> str:
        """What is said to be right, without what is said to be wrong."""
        return next((match["right"].strip() for form in spoken.NOT if (match := form.match(self.words))), self.words)

    @property
    def wrong(self) -> str | None:
        """What is said to be wrong."""
        return next((match["wrong"].strip(' .。"“”') for form in spoken.NOT if (match := form.match(self.words))), None)

    def findings(self, *tools: str) -> Iterator[Finding]:
        """What the tools found in the photo."""
        for finding in self.reply.findings if self.reply else ():
            if finding.tool in tools and (self.photo is None or self.photo in finding.photos):
                yield finding

    @property
    def matches(self) -> list[Match]:
        """The products that the turn named."""
        return [m for f in self.findings("identify", "compare", "describe", "ground") for m in f.matches if m.sku]

    @property
    def recognised(self) -> str | None:
        """The product that it was said to be; `None` where none was, or one of several."""
        skus = {f.matches[0].sku for f in self.findings("identify", "compare", "describe") if f.matches}
        return next(iter(skus)) if len(skus) == 1 else None

    @property
    def seen_in(self) -> Box | None:
        """Where in the photo the product lies that it was said to be, or else what was looked for."""
        size = next((f.quality.size for f in self.findings("quality") if f.quality), None)
        quads = [m.quad for m in self.matches if m.quad]
        if size and quads:
            return Box.around(quads[0]).inside(size)
        return next((f.regions[0].box for f in self.findings("ground") if len(f.regions) == 1), None)

    @property
    def target(self) -> str | None:
        """What was looked for."""
        return next((f.asked for f in self.findings("ground") if f.asked), None)


def _field(told: _Told) -> Understood | None:
    """A date, an amount, a lot and so on, as the fields of a pack are read."""
    words = _digits(_months(told.right, told.language))
    facts = [fact for fact in find_fields(_reading(spoken.NAMED_FIELDS.sub(":", words))) if fact.name != "ingredients"]
    asked = next((f.asked for f in told.findings("ocr") if f.asked), None)
    known = [fact for f in told.findings("ocr", "describe", "compare") for fact in f.facts]
    if not facts:
        dated = find_dates(words, announced=asked in _DATES)
        facts = [Fact("date", dated[0].values[0])] if dated else [Fact(*quantity(m)) for m in QUANTITY.finditer(words)]
    for fact in facts:
        name = fact.name
        if name == "date":
            name = next((n for n in (asked, *(f.name for f in known)) if n in _DATES), "date")
        elif name in ("weight", "volume") and not _is_field(words) and asked not in (name, "quantity"):
            continue  # of a product's name, more likely than of its text
        before = next((f.value for f in known if f.name == name and f.value != fact.value), None)
        return Understood("field", fact.value, name, before)
    return None


_DATES = ("expiry", "production", "date")


def _is_field(words: str) -> bool:
    return bool(re.search(r"\bweigh|\bweight|\bvolume|\bcontents?\b|\bcontains\b|净含量|淨含量|重|容量", words, re.I))


def _text(told: _Told) -> Understood | None:
    """What is printed: after "it says", or in quotation marks."""
    if match := spoken.SAYS.match(told.right) or spoken.SAYS.search(told.right):
        right = (match["en"] or match["zh"]).strip()
    elif match := spoken.QUOTED.search(told.right):
        right = match["q"]
    else:
        return None
    right = right.strip(' .。"“”「」')
    return Understood("text", right, None, told.wrong) if right else None


def _place(told: _Told) -> Understood | None:
    """Where something is: one of nine places, or a box."""
    if match := spoken.BOX.search(told.words):
        box = Box(*map(float, match.groups()))
        if box.x0 < box.x1 and box.y0 < box.y1:
            what = re.sub(
                r"(?i)\b(?:the|box|is|at|should be|in)\b|框|应该|在|是", " ", told.words[: match.start()]
            ).strip(" :：,，")
            after = ",".join(f"{edge:g}" for edge in box)
            return Understood("place", after, what or told.target, _was(told, what or told.target), box=box)
    for form in spoken.PLACED:
        if (found := form.match(told.right)) and (where := _where(found["where"])):
            thing = re.sub(r"^(?:it|this|that|它|这|那)$", "", found["what"].strip(), flags=re.I) or told.target
            return Understood("place", where, thing, _was(told, thing))
    return None


def _where(words: str) -> str | None:
    """The one of nine places that words name."""
    row = next((name for name, form in spoken.ROWS if re.search(form, words, re.I)), None)
    column = next((name for name, form in spoken.COLUMNS if re.search(form, words, re.I)), None)
    if row is None and column is None and not spoken.MIDDLE.search(words):
        return None
    named = f"{row or 'middle'}_{column or 'centre'}"
    return named if named in PLACES else None


def _was(told: _Told, what: str | None) -> str | None:
    """Where we had said that it is."""
    for finding in told.findings("ground"):
        size = next((f.quality.size for f in told.findings("quality") if f.quality), None)
        if finding.regions and size and (what is None or alike(what, finding.asked or "")):
            return place(finding.regions[0].box, size)
    return None


def _count(told: _Told) -> Understood | None:
    """How many there are."""
    for form in spoken.COUNT:
        if match := form.match(told.right):
            n = _number(match["n"])
            what = (match["what"] or "").strip() or told.target
            if n is None or (n == 0 and match["n"] == "no"):
                continue
            if what and re.search(r"\bone$", what):
                continue  # "it's the 30 bags one" names a product
            if QUANTITY.search(told.right) or find_dates(told.right):
                continue  # "it is 300 g" counts nothing, nor does "it is 14 April 2027"
            looked = next((f for f in told.findings("ground") if f.regions or f.outcome == "absent"), None)
            return Understood("count", str(n), what, str(looked.count) if looked else None)
    return None


def _number(said: str) -> int | None:
    if said.isdecimal():
        return int(said)
    return spoken.NUMBERS.get(said.casefold(), han_number(said.replace("两", "二").replace("兩", "二")) or None)


def _thing(told: _Told) -> Understood | None:
    """Whether something is there."""
    for forms, after in ((spoken.ABSENT, "absent"), (spoken.PRESENT, "present")):
        for form in forms:
            match = form.match(told.words)
            if match and (after == "present" or _denies(told.words)):
                looked = next((f for f in told.findings("ground") if alike(match["what"], f.asked or "")), None)
                before = {"found": "present", "absent": "absent"}.get(looked.outcome) if looked else None
                return Understood("thing", after, match["what"].strip(), before)
    return None


def _denies(words: str) -> bool:
    return bool(re.search(r"\bno\b|n['’]t\b|\bnot\b|没有|沒有", words, re.I))


def _colour(told: _Told) -> Understood | None:
    """Which colour it has."""
    named = _colours(told.language)
    right = _colour_in(told.right, named)
    if right is None or (told.catalogue.named(told.right) and told.matches):
        return None
    what = re.match(r"(?i)^the (?P<what>[\w' -]+?) (?:is|are)\b|^(?P<zh>[^,，。是]+)是", told.right)
    thing = (what["what"] or what["zh"]) if what else None
    thing = None if thing and re.fullmatch(r"(?:它|这|那|这个|那个|colou?r|颜色)", thing) else thing
    before = _colour_in(told.wrong, named) if told.wrong else None
    seen = [f.value for each in told.findings("describe") for f in each.facts if f.name == "colour"]
    seen += [r.label for each in told.findings("ground") for r in each.regions if r.kind == "colour"]
    return Understood("colour", right, thing, before or next((c for c in seen if c != right), None))


@cache
def _colours(language: str) -> Mapping[str, str]:
    """The names of colours in a language, and in English and Chinese."""
    known = {"en", "zh", language} & set(languages())
    said = {say(tongue, f"colour.{name}").casefold(): name for tongue in known for name in NAMES}
    said |= {"gray": "grey", "violet": "purple"}
    return said | {word[:-1]: name for word, name in said.items() if word.endswith("色") and len(word) > 1}


def _colour_in(words: str, named: Mapping[str, str]) -> str | None:
    folded = words.casefold()
    for word in sorted(named, key=len, reverse=True):
        if re.search(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word), folded):
            return named[word]
    return None


def _identity(told: _Told) -> Understood | None:
    """Which product it is."""
    framed = spoken.IDENTITY.match(told.right)
    name = next(filter(None, framed.groups())).strip(" 。.的") if framed else told.right
    near = _near(told)
    before = told.recognised
    if spoken.OTHER_ONE.match(name):
        found = [product for product in near if product.sku != before]
    else:
        found = list(_by_sku(name, told.catalogue) or told.catalogue.named(name))
        if framed and not found:
            found = list(_by_known_words(name, told.catalogue))
        found = [p for p in found if p.sku in {n.sku for n in near}] or found
    if len(found) > 1:
        # Whoever corrects us does not mean what we said.
        found = [product for product in found if product.sku != before] or found
    if len(found) == 1:
        return Understood("product", found[0].sku, None, before)
    return Understood("product", "", None, before, choices=tuple(found[:8])) if found else None


def _near(told: _Told) -> list[Product]:
    """The products that the turn named, what it told them from, and their siblings."""
    skus = dict.fromkeys(m.sku for m in told.matches)
    skus |= dict.fromkeys(m.decided.rival for m in told.matches if m.decided)
    named = [told.catalogue.product(sku) for sku in skus] if len(told.catalogue) else []
    siblings = [sibling for product in named for sibling in told.catalogue.named(product.title)]
    return list({product.sku: product for product in (*named, *siblings)}.values())


def _by_sku(words: str, catalogue: Catalogue) -> list[Product]:
    """The products whose SKU stands among the words; what looks like any other word is none."""
    found = []
    for word in (part.strip('.,!?;:，。！？"“”') for part in words.split()):
        if len(word) > 2 and (re.search(r"\d|-", word) or word.isupper()):
            with suppress(UnknownProduct):
                found.append(catalogue.product(word))
    return list({product.sku: product for product in found}.values())


def _by_known_words(words: str, catalogue: Catalogue) -> Sequence[Product]:
    """The products that are named by those of the words that some title has."""
    known = [word for word in re.findall(r"[^\W_]+", words) if len(word) > 2 and catalogue.named(word)]
    return catalogue.named(" ".join(known)) if known else ()


def _instead(told: _Told) -> Understood | None:
    """Something else than what we took it for."""
    right, wrong = (_bare(told.right), _bare(told.wrong)) if told.wrong else ("", "")
    return Understood("thing", right, wrong) if right and wrong and max(len(right), len(wrong)) <= _A_NAME else None


_A_NAME = 40  # characters


def _bare(words: str | None) -> str:
    return re.sub(
        r"^(?:(?:it|that|this)(?:'s| is)|a|an|the|是|一?[个個只隻条條])\s*", "", words or "", flags=re.I
    ).strip()


_READERS = (_text, _place, _count, _thing, _field, _colour, _identity, _instead)
"""The first that understands the words is right: what is narrow before what is wide."""


def _scope(plain: str) -> tuple[str, CorrectionScope]:
    """The words without those for what it holds for, and that."""
    scopes: tuple[tuple[re.Pattern[str], CorrectionScope], ...] = (
        (spoken.SIMILAR, "similar"),
        (spoken.PRODUCT, "product"),
    )
    for form, scope in scopes:
        if form.search(plain):
            return form.sub(" ", plain).strip(" ,，.。;；:："), scope
    return plain, "photo"


def _photo(plain: str, reply: Reply | None) -> PhotoId | None:
    """The photo that is meant: the one that is counted off, else the first that something was said of."""
    if reply is None or not reply.photos:
        return None
    for name, form in spoken.SEVERAL:
        if len(reply.photos) > 1 and form.search(plain):
            return reply.photos[1 if name == "second" else 0]
    looked = (f.photos[0] for f in reply.findings if f.tool not in ("quality", "told") and f.photos)
    return next((photo for photo in looked if photo in reply.photos), reply.photos[0])


def _plain(said: str) -> str:
    """One line in NFKC, without the command and its slash."""
    plain = unicodedata.normalize("NFKC", "".join(c if c.isprintable() else " " for c in said))
    return re.sub(r"\s+", " ", re.sub(r"^\s*/correct\b", "", plain)).strip()


def _digits(words: str) -> str:
    """Digits of every script as those of ours."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in words)


def _months(words: str, language: str) -> str:
    """Months, and the years, months and days of Korean, as `find_dates` reads them."""
    words = re.sub(r"(?<=\d)\s?년", "年", re.sub(r"(?<=\d)\s?월", "月", re.sub(r"(?<=\d)\s?일", "日", words)))
    if language in languages() and language not in ("en", "zh", "ja", "ko"):
        english = [say("en", f"month.{n}") for n in range(1, 13)]
        for n, name in sorted(((n, say(language, f"month.{n}")) for n in range(1, 13)), key=lambda one: -len(one[1])):
            if not name.isdecimal():
                words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", english[n - 1], words, flags=re.I)
    return words


def _reading(words: str) -> Reading:
    quad = (Point(0, 0), Point(1000, 0), Point(1000, 40), Point(0, 40))
    return Reading("sha256:" + "0" * 64, (Line(words, quad, None, "latin"),), "said", 0.0)


def alike(one: str, other: str) -> bool:
    """Whether two ways to name a thing mean the same: all that one of them says is in the other."""
    a, b = (_parts(words) for words in (one, other))
    return bool(a and b) and (a <= b or b <= a)


def _parts(words: str) -> set[str]:
    folded = unicodedata.normalize("NFKC", words).casefold()
    parts = set(re.findall(r"[一-鿿]|[^\W_]+", folded)) - {"the", "a", "an"}
    return {part[:-1] if len(part) > 3 and part.endswith("s") else part for part in parts}
