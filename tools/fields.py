"""Typed facts from the lines of a reading: dates by what they are for, weights, volumes, lots, and so on.

Only lines that were `read` give facts. A label and its value may share a line, stand side by side, or
stand one under the other; which, the geometry of the lines decides. Nothing is worked out here:
`count_expiry` turns a shelf life into a day where somebody asks for that.
"""

import math
import re
from collections.abc import Collection, Iterator, Sequence
from typing import get_args

from .amounts import PER_PORTION, QUANTITY, needs_label, quantity
from .dates import Dated, Order, find_dates
from .errors import BadInput
from .periods import find_periods, last_days
from .rows import Row, line_above, line_below, line_left, row_of, waiting
from .types import Box, Fact, FieldName, Reading, Region
from .wordings import Announces, Label


def find_fields(reading: Reading, names: Collection[FieldName] | None = None) -> tuple[Fact, ...]:
    """Dates, amounts, lots, ingredients and phone numbers, each once; the arguments are those of `every_field`."""
    unique: dict[tuple[str, str], Fact] = {}
    for fact in every_field(reading, names):
        unique.setdefault((fact.name, fact.value), fact)
    return tuple(unique.values())


def every_field(reading: Reading, names: Collection[FieldName] | None = None) -> tuple[Fact, ...]:
    """Every place such a fact is printed, in reading order, also where it is printed twice; `names` picks among them.

    A fact's region is that of the line its value stands in, or of all lines of a list of ingredients.
    `date` is a date whose role is not printed. Names that are not fields raise `BadInput`.
    """
    known = get_args(FieldName)
    wanted = set(known if names is None else names)
    if wanted - set(known):
        unknown = ", ".join(sorted(map(repr, wanted - set(known))))
        raise BadInput(f"Expected fields among {', '.join(known)}; got {unknown}.")
    if "quantity" in wanted:
        wanted |= {"weight", "volume"}
    rows = [row_of(line, reading) for line in reading.lines]
    taken: dict[int, list[tuple[int, int]]] = {}
    facts: list[tuple[int, int, Fact]] = []
    # What is printed after a label is claimed first: a lot may look like a date, a date like a phone number.
    for look_for in (_lots, _dates, _shelf_lives, _quantities, _phones):
        for at, start, end, fact in look_for(rows, taken):
            taken.setdefault(at, []).append((start, end))
            facts.append((at, start, fact))
    facts += [(at, start, fact) for at, start, _, fact in _ingredients(rows)]
    return tuple(fact for _, _, fact in sorted(facts, key=lambda found: found[:2]) if fact.name in wanted)


_Found = Iterator[tuple[int, int, int, Fact]]
_Taken = dict[int, list[tuple[int, int]]]


def _fact(name: str, value: str, row: Row, start: int, end: int, others: tuple[str, ...] = ()) -> Fact:
    return Fact(name, value, row.quote(start, end), row.line.region, others)


def _free(at: int, start: int, end: int, taken: _Taken) -> bool:
    return all(end <= a or start >= b for a, b in taken.get(at, []))


# Lots

_LOT = re.compile(
    r"\s*[:#.]?\s*(?P<lot>(?=[A-Z0-9/.-]*\d)[A-Z0-9](?:[A-Z0-9]|[/.-](?=[A-Z0-9])){1,23})(?![a-z])", re.IGNORECASE
)
_BARE_LOT = re.compile(r"^\s*(?P<lot>L[ :]?(?=[A-Z0-9]*\d{3})[A-Z0-9]{4,14})\s*$")
"""`L24031A` on a line of its own. Source: Directive 2011/91/EU, art. 3: a lot is preceded by the letter L."""


def _lots(rows: Sequence[Row], _: _Taken) -> _Found:
    for at, row in enumerate(rows):
        bare = _BARE_LOT.match(row.text)
        if bare:
            yield at, *bare.span("lot"), _fact("lot", bare["lot"], row, *bare.span("lot"))
        for label in row.labels:
            if label.announces == "lot":
                start, end = row.value_after(label)
                match = _LOT.match(row.text[start:end])
                if match:
                    a, b = start + match.start("lot"), start + match.end("lot")
                    yield at, a, b, _fact("lot", match["lot"], row, a, b)
        if not row.labels and waiting(rows, at, "lot", lambda text: bool(_LOT.match(text))):
            match = _LOT.match(row.text)
            if match:
                yield at, *match.span("lot"), _fact("lot", match["lot"], row, *match.span("lot"))


# Dates

_SEPARATORS = re.compile(r"^[\s/|,&:;()、和及與与-]*(?:and)?[\s/|,&:;()-]*$", re.IGNORECASE)
_DATED: tuple[Announces, ...] = ("expiry", "production")


def _dates(rows: Sequence[Row], taken: _Taken) -> _Found:
    found = [(at, dated, role) for at in range(len(rows)) for dated, role in _dates_of(rows, at)]
    found = [(at, dated, role) for at, dated, role in found if _free(at, dated.start, dated.end, taken)]
    # 25/03/2026 on the same pack tells that 03/04/2027 is in April.
    shown = {dated.shows for _, dated, _ in found if dated.shows}
    order = shown.pop() if len(shown) == 1 else None
    for at, dated, role in found:
        values = dated.values
        if order and len(values) > 1:
            values = find_dates(rows[at].text[dated.start : dated.end], order, announced=True)[0].values
        yield at, dated.start, dated.end, _fact(role, values[0], rows[at], dated.start, dated.end, values[1:])


def _dates_of(rows: Sequence[Row], at: int) -> Iterator[tuple[Dated, str]]:
    """The dates of one line with the role each has: that of the nearest label before it, in most cases."""
    row = rows[at]
    groups: list[list[Label]] = []
    for label in row.labels:
        if groups and _SEPARATORS.match(row.text[groups[-1][-1].end : label.start]):
            groups[-1].append(label)
        else:
            groups.append([label])
    first = groups[0][0].start if groups else len(row.text)
    leading = _dates_in(row, 0, first, None, announced=False)
    spans = [_after(row, group) for group in groups]
    if leading and groups and not spans[-1] and len(groups) == sum(map(len, spans)) + len(leading) == len(groups):
        # "2025-04-03 best before": dates stand before their labels.
        for dated, group in zip([*leading, *(d for span in spans for d in span)], groups, strict=False):
            yield dated, _role(group[0])
        return
    for dated, role in zip(leading, _roles_beside(rows, at, len(leading)), strict=True):
        # Beside a label, digits in a row are a date, and the label's language orders them.
        retried = _dates_in(row, dated.start, dated.end, role.order if role else None, announced=True)
        yield (retried[0] if retried else dated), (_role(role) if role else "date")
    if not leading and not groups and re.search(r"\d{2}", row.text):
        beside = _roles_beside(rows, at, 1)[0]
        for dated in _dates_in(row, 0, first, beside.order, announced=True)[:1] if beside else []:
            yield dated, _role(beside) if beside else "date"
    for group, dates in zip(groups, spans, strict=True):
        kinds = list(dict.fromkeys(label.announces for label in group))
        for i, dated in enumerate(dates):
            if len(kinds) == 1:
                # Only the first date after a label is announced by it, unless a range goes on.
                announced = kinds[0] if i == 0 or kinds[0] == "lot" else "other"
                yield dated, announced if announced in _DATED else "date"
            else:
                yield dated, kinds[i] if len(kinds) == len(dates) and kinds[i] in _DATED else "date"


def _after(row: Row, group: Sequence[Label]) -> list[Dated]:
    order = next((label.order for label in group if label.order), None)
    announced = any(label.announces in _DATED for label in group)
    return _dates_in(row, *row.value_after(group[-1]), order, announced)


def _dates_in(row: Row, start: int, end: int, order: Order | None, announced: bool) -> list[Dated]:
    found = find_dates(row.text[start:end], order, announced)
    return [d._replace(start=d.start + start, end=d.end + start) for d in found]


def _role(label: Label) -> str:
    return label.announces if label.announces in _DATED else "date"


def _roles_beside(rows: Sequence[Row], at: int, count: int) -> list[Label | None]:
    """The labels that dates at the start of a line get from their neighbours; `None` where none is waiting."""
    nobody: list[Label | None] = [None] * count
    if count != 1:
        return nobody
    left = line_left(rows, at)
    if left is not None and (label := rows[left].open_label(*_DATED)):
        return [label]
    # Straight above there may be the label, or a stack of as many labels as dates.
    stack = [at]
    while (above := line_above(rows, stack[0])) is not None and above not in stack:
        stack.insert(0, above)
    below = at
    while (under := line_below(rows, below)) is not None and under not in stack:
        stack.append(below := under)
    waiting = [i for i in stack if rows[i].open_label(*_DATED, "lot", "other")]
    values = [i for i in stack if not rows[i].labels and find_dates(rows[i].text, announced=True)]
    run_up = [i for i in waiting if stack.index(i) < stack.index(values[0])] if values else []
    # The labels have to stand together and right on top of the dates.
    joined = [i for i in run_up if set(stack[stack.index(i) : stack.index(values[0])]) <= set(run_up)]
    together = stack[stack.index(values[0]) :][: len(values)] == values if values else False
    if at in values and together and (len(joined) == len(values) or (len(joined) == 1 and at == values[0])):
        label = rows[joined[values.index(at)]].open_label(*_DATED)
        return [label]
    return nobody


def _shelf_lives(rows: Sequence[Row], taken: _Taken) -> _Found:
    for at, row in enumerate(rows):
        beside = not row.labels and waiting(rows, at, "expiry", lambda text: bool(find_periods(text, announced=True)))
        for period in find_periods(row.text, announced=beside):
            if _free(at, period.start, period.end, taken):
                span = period.start, period.end
                yield at, *span, _fact("shelf_life", period.value, row, *span)


def count_expiry(facts: Collection[Fact]) -> Fact | None:
    """The expiry date that follows from a production date and a shelf life that are printed, where it is not.

    It has no quote, and the day after as its alternative (`last_days`). `None` where there is more or
    less than one of either, or the production date is ambiguous.
    """
    produced = [fact for fact in facts if fact.name == "production"]
    lives = [fact for fact in facts if fact.name == "shelf_life"]
    if len(produced) != 1 or len(lives) != 1 or produced[0].alternatives:
        return None
    days = last_days(produced[0].value, lives[0].value)
    return Fact("expiry", days[0], alternatives=days[1:]) if days else None


def _quantities(rows: Sequence[Row], taken: _Taken) -> _Found:
    announced: list[tuple[int, int, int, Fact]] = []
    plain: list[tuple[int, int, int, Fact]] = []
    for at, row in enumerate(rows):
        stated = [label for label in row.labels if label.announces == "quantity"]
        beside = not row.labels and waiting(rows, at, "quantity", lambda text: bool(QUANTITY.search(text)))
        for match in QUANTITY.finditer(row.text):
            if not _free(at, *match.span(), taken):
                continue
            name, value = quantity(match)
            found = (at, *match.span(), _fact(name, value, row, *match.span()))
            after = [label for label in row.labels if label.end <= match.start()]
            if beside or (after and after[-1] in stated):
                announced.append(found)
            elif not after and not PER_PORTION.search(row.text) and not needs_label(match):
                plain.append(found)
    yield from announced or plain


# Phones

_PHONES = re.compile(
    r"(?<![\w.+-])(?:"
    r"\+\d{1,3}[\s.-]?(?:\(\d{1,4}\)[\s.-]?)?\d{1,4}(?:[\s.-]?\d{2,4}){1,5}|"
    r"(?:1[\s-])?\(\d{3}\)\s?\d{3}[\s.-]\d{4}|"
    r"(?:1[\s.-])?[2-9]\d{2}[.-]\d{3}[.-]\d{4}|"
    r"[48]00[\s-]?\d{3}[\s-]?\d{4}|[48]00[\s-]\d{4}[\s-]\d{3}|"
    r"\(?0\d{2,3}\)?-\d{7,8}|0\d{4}\s\d{6}|0\d{3}\s\d{3}\s\d{4}|0800\s\d{3}\s?\d{3}|"
    r"1[3-9]\d[\s-]\d{4}[\s-]\d{4}"
    r")(?![\w-]|\.\d)"
)
"""Shapes that only phone numbers have: international, North American, Chinese hotlines and landlines, British."""

_ANNOUNCED_PHONE = re.compile(r"\s*[:.]?\s*(?P<phone>\+?\(?\d(?:[\d()]|[\s.-](?=[\d(])){5,18}\d)(?![\w])")


def _phones(rows: Sequence[Row], taken: _Taken) -> _Found:
    for at, row in enumerate(rows):
        spans: list[tuple[int, int]] = []
        for label in row.labels:
            if label.announces == "phone":
                start, end = row.value_after(label)
                match = _ANNOUNCED_PHONE.search(row.text[start:end])
                if match:
                    spans.append((start + match.start("phone"), start + match.end("phone")))
        beside = not row.labels and waiting(rows, at, "phone", lambda text: bool(_ANNOUNCED_PHONE.match(text)))
        alone = _ANNOUNCED_PHONE.match(row.text) if beside else None
        if alone:
            spans.append(alone.span("phone"))
        spans += [match.span() for match in _PHONES.finditer(row.text)]
        kept: list[tuple[int, int]] = []
        for start, end in spans:
            digits = sum(c.isdigit() for c in row.text[start:end])
            if 7 <= digits <= 15 and _free(at, start, end, taken) and all(end <= a or start >= b for a, b in kept):
                kept.append((start, end))
                value = re.sub(r"\s+", " ", row.text[start:end])
                yield at, start, end, _fact("phone", value, row, start, end)


# Ingredients


def _ingredients(rows: Sequence[Row]) -> _Found:
    for at, row in enumerate(rows):
        for label in row.labels:
            if label.announces != "ingredients" or not _heads(row, label):
                continue
            start, end = row.value_after(label)
            start += len(row.text[start:end]) - len(row.text[start:end].lstrip(" :-"))
            parts = [(row, start, end)] if start < end else []
            last, widest = row, 1.8 * row.height
            while end == len(last.text) and not re.search(r"[.。]\s*$", last.text):
                below = _below_in_block(rows, last, row, widest)
                if below is None:
                    break
                # A label of something else ends the list, in the middle of a line too.
                end = min((other.start for other in below.labels), default=len(below.text))
                if end:
                    parts.append((below, 0, end))
                # Lines of a block are evenly spaced; a wider step ends it.
                widest = min(widest, 1.2 * math.dist(below.line.quad[3], last.line.quad[3]))
                last = below
            if not parts:
                continue
            texts = [r.text[a:b].strip() for r, a, b in parts]
            value = texts[0]
            for text in texts[1:]:
                # Han and kana are written on without a space.
                value += text if value[-1:] > "\u2e80" or text[:1] > "\u2e80" else f" {text}"
            quote = "\n".join(r.quote(a, b).strip() for r, a, b in parts)
            used = [r.line for r in dict.fromkeys((row, *(r for r, _, _ in parts)))]
            box = Box.around([corner for line in used for corner in line.quad])
            scores = [line.score for line in used if line.score is not None]
            region = Region(box, quote, "text", min(scores) if len(scores) == len(used) else None)
            yield at, start, end, Fact("ingredients", value, quote, region)


def _heads(row: Row, label: Label) -> bool:
    """Whether the label starts a list: a colon follows, or it stands alone or at the start of the line."""
    after = row.text[label.end :].lstrip()
    return after.startswith(":") or not after or not row.text[: label.start].strip()


def _below_in_block(rows: Sequence[Row], last: Row, first: Row, widest: float) -> Row | None:
    """The next line of the same block: right below, as high as the others, and starting near the same edge.

    `widest` is how far down in pixels it may start.
    """
    at = line_below(rows, rows.index(last))
    if at is None or rows[at].line.status != "read" or not rows[at].text:
        return None
    row, tall = rows[at], first.height
    near_edge = min(abs(row.box.x0 - first.box.x0), abs(row.box.x0 - last.box.x0)) < 3 * tall
    # Tilted lines have boxes that overlap; what counts is how far down the next one starts.
    step = math.dist(row.line.quad[3], last.line.quad[3])
    return row if near_edge and step < widest and 0.75 * tall < row.height < 1.33 * tall else None
