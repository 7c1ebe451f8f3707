"""The tool `identify`: which catalogue product a photo shows, or between which it cannot tell."""

import time
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .codes import fact_of, read_codes
from .flat import lay
from .kit import Kit
from .photos import pixels
from .quality import quality_of
from .reading import read, read_once
from .recognise import recognise
from .sightings import WEAK, Ranking, Sighting, is_foremost, is_trusted, places
from .types import Code, Deciding, Fact, Finding, Match, MatchSource, Outcome, Photo, Product
from .views import placed, shown

SOURCE = "barcode, embeddings, RootSIFT and MAGSAC"
"""The instruments that say which product it is."""

DECIDED, NEAR = 0.3, 2.0
"""Difference in score under which what is printed has to tell two rivals apart, and up to which a rival is named where
the likeliest is not to be trusted. Chosen on `train` photos of the grocery set: nearer rivals are even odds."""


def identify(photo: Photo, kit: Kit) -> Finding:
    """Say which catalogue product a photo shows.

    A barcode that the catalogue knows, else candidates by embedding and by local features, verified by geometry;
    rivals that look alike are told apart by the words on the pack. `matches` are the products seen, side by side;
    where two cannot be told apart the outcome is `unreadable`, the reason `variant_undetermined`, `asked` the words
    that would tell, and `matches` the rivals. `code_conflict`: the barcode says one product, the picture another.
    `not_looked`, `no_catalogue` where there is none. Raises `Unavailable` without a barcode reader or an OCR engine.
    """
    return ranked(photo, kit)[0]


def ranked(photo: Photo, kit: Kit) -> tuple[Finding, tuple[str, ...]]:
    """`identify`, and the SKUs of all that was considered, the likeliest first, whether or not it came to an answer."""
    if not len(kit.catalogue):
        return identify_by(photo, kit, ()), ()
    return _ranked(photo, kit, read_codes(pixels(photo)))


def identify_by(photo: Photo, kit: Kit, codes: Sequence[Code]) -> Finding:
    """`identify` for a photo whose codes have been read."""
    if not len(kit.catalogue):
        return _finding(photo, time.perf_counter(), "not_looked", reason="no_catalogue")
    return _ranked(photo, kit, codes)[0]


def _ranked(photo: Photo, kit: Kit, codes: Sequence[Code]) -> tuple[Finding, tuple[str, ...]]:
    start = time.perf_counter()
    facts = tuple(fact for fact in map(fact_of, codes) if fact.name == "code")
    named = _by(facts, kit)
    ranking, mirrored = look(photo, kit, named)
    strong = ranking.strong
    if named:
        twins = any(len(kit.catalogue.coded(fact.value)) > 1 for fact in facts)
        found = _by_code(photo, start, [product for product, _ in named], strong, facts, twins, mirrored)
    else:
        found = _by_sight(photo, kit, start, ranking, facts, mirrored)
    return found, tuple(dict.fromkeys([*(match.sku for match in found.matches), *ranking.scores]))


def _by_sight(
    photo: Photo, kit: Kit, start: float, ranking: Ranking, facts: tuple[Fact, ...], mirrored: bool
) -> Finding:
    """What is seen, place by place."""
    strong = ranking.strong
    if not strong:
        reason = "photo_too_poor" if quality_of(photo).level == "retake" else None
        weak = any(len(sighting.registration) >= WEAK for sighting in ranking.sightings)
        outcome: Outcome = "unreadable" if reason or weak else "absent"
        return _finding(photo, start, outcome, facts=facts, reason=reason or ("weak_evidence" if weak else None))
    matches: list[Match] = []
    undetermined: tuple[list[Match], str] | None = None
    groups = places(strong)
    for rivals in groups:
        settled, words = settle(photo, kit, rivals)
        if rivals is groups[0] and (close := doubted(ranking, rivals, settled)):
            # What stands beside it is no answer to what the photo is of.
            return _finding(photo, start, "unreadable", close, facts, "variant_undetermined", mirrored=mirrored)
        if len(settled) == 1:
            matches += settled
        elif undetermined is None:
            undetermined = (settled, words)
    if undetermined and (not matches or groups[0][0].product.sku == undetermined[0][0].sku):
        rivals_left, words = undetermined
        return _finding(
            photo, start, "unreadable", rivals_left, facts, "variant_undetermined", words or None, mirrored=mirrored
        )
    return _finding(photo, start, "found", matches, facts, mirrored=mirrored)


def coded(photo: Photo, kit: Kit) -> list[tuple[Product, MatchSource]]:
    """The products that a barcode in the photo names."""
    return _by([fact for fact in map(fact_of, read_codes(pixels(photo))) if fact.name == "code"], kit)


def _by(codes: Sequence[Fact], kit: Kit) -> list[tuple[Product, MatchSource]]:
    found = {product.sku: product for fact in codes for product in kit.catalogue.coded(fact.value)}
    return [(product, "barcode") for product in found.values()]


def look(photo: Photo, kit: Kit, named: Sequence[tuple[Product, MatchSource]] = ()) -> tuple[Ranking, bool]:
    """What the photo may show, and whether that took a mirror."""
    plain = recognise(photo, kit, named)
    if plain.strong:
        return plain, False
    flipped = recognise(photo, kit, named, mirrored=True)
    return (flipped, True) if flipped.strong else (plain, False)


def settle(photo: Photo, kit: Kit, rivals: Sequence[Sighting]) -> tuple[list[Match], str]:
    """The one product of a place, or those that cannot be told apart and the words that would tell."""
    first = rivals[0]
    close = [s for s in rivals[1:] if first.score - s.score < DECIDED]
    if not close:
        return [first.match()], ""
    group = [first, *close]
    telling = [_telling(one.product, [other.product for other in group if other is not one]) for one in group]
    shares: list[float] = []
    for text in _texts(photo, kit, first):
        read_here = words_of(text)
        shares = [len(words & read_here) / len(words) if words else 0.0 for words in telling]
        best = max(range(len(group)), key=lambda n: shares[n])
        others = [share for n, share in enumerate(shares) if n != best]
        if shares[best] >= 0.5 and shares[best] > 2 * max(others):
            rival = group[max((n for n in range(len(group)) if n != best), key=lambda n: shares[n])].product
            words = tuple(sorted(telling[best] & read_here))
            decided = Deciding(rival.sku, rival.title, "text", words=words)
            return [group[best].match(shares[best], decided)], ""
    missing = sorted({word for words in telling for word in words})
    return [one.match(share) for one, share in zip(group, shares, strict=True)], ", ".join(missing)


def doubted(ranking: Ranking, rivals: Sequence[Sighting], settled: Sequence[Match]) -> list[Match]:
    """The likeliest of a place and those near it, where nothing that was read told it and it is not to be trusted."""
    first = rivals[0]
    told = len(settled) > 1 or settled[0].text is not None
    return (
        [] if told or is_trusted(ranking, first) else [one.match() for one in rivals if first.score - one.score < NEAR]
    )


def _texts(photo: Photo, kit: Kit, sighting: Sighting) -> Iterator[str]:
    """What is read on the face laid flat, where columns that stood askew are upright, then on all of the photo."""

    def face() -> NDArray[np.uint8]:
        picture = kit.catalogue.photo(sighting.reference)
        view = kit.catalogue.view(sighting.reference, sighting.product.sku)
        quad = view.quad if view else None
        to_photo = sighting.registration.homography @ placed(quad, picture.size)
        return lay(pixels(photo), shown(pixels(picture), quad), to_photo).photo.astype(np.uint8)

    yield read_once(photo.id, kit, f"{kit.reader.name} on the face of {sighting.reference}", face).text
    yield read(photo, kit).text


def words_of(text: str) -> set[str]:
    """The words of a text; of Chinese, whose words are not set apart, every two characters."""
    words, run = set[str](), ""
    folded = unicodedata.normalize("NFKC", text).casefold() + "  "
    for char, after in pairwise(folded):
        # The point of 1.5% is part of the number.
        if char.isalnum() or (char in ".," and run[-1:].isdigit() and after.isdigit()):
            run += char
            continue
        if run and any("\u3400" <= c <= "\u9fff" for c in run):
            words |= {run[i : i + 2] for i in range(max(len(run) - 1, 1))}
        elif run:
            words.add(run)
        run = ""
    return words


def _telling(product: Product, rivals: Sequence[Product]) -> set[str]:
    """Words of this product's title that no rival's has."""
    return words_of(product.title) - {word for rival in rivals for word in words_of(rival.title)}


def _by_code(
    photo: Photo,
    start: float,
    coded: Sequence[Product],
    strong: Sequence[Sighting],
    facts: tuple[Fact, ...],
    twins: bool,
    mirrored: bool,
) -> Finding:
    """What the barcodes say, unless the picture clearly says another product; `twins`: products share a barcode."""
    skus = {product.sku for product in coded}
    seen = {s.product.sku: s for s in strong if s.product.sku in skus}
    matches = [
        seen[p.sku].match() if p.sku in seen else Match(p.sku, p.title, p.references[0], ("barcode",)) for p in coded
    ]
    if strong and not seen and is_foremost(strong[0], photo.size):
        rival = strong[0].match()
        return _finding(photo, start, "unreadable", [*matches, rival], facts, "code_conflict", mirrored=mirrored)
    if twins and len(coded) > 1:
        return _finding(photo, start, "unreadable", matches, facts, "variant_undetermined", mirrored=mirrored)
    return _finding(photo, start, "found", matches, facts, mirrored=mirrored)


def _finding(
    photo: Photo,
    start: float,
    outcome: Outcome,
    matches: Sequence[Match] = (),
    facts: tuple[Fact, ...] = (),
    reason: str | None = None,
    asked: str | None = None,
    *,
    mirrored: bool = False,
) -> Finding:
    regions = [region for match in matches if (region := match.region(photo.size))]
    return Finding(
        id=f"identify:{photo.id[7:15]}",
        tool="identify",
        outcome=outcome,
        photos=(photo.id,),
        source=SOURCE,
        ms=1000 * (time.perf_counter() - start),
        asked=asked,
        regions=tuple(dict.fromkeys(regions)),
        facts=facts,
        matches=tuple(matches),
        reason=reason,
        mirrored=mirrored,
    )
