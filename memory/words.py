"""Products by the words of their records and by the codes on their packs: indexes in memory over all of them."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..tools.types import Product

_CODES = ("gtin", "ean", "upc", "barcode", "code")
"""The attributes that hold what a barcode says; several may stand in one, with `;` `,` or `|` between."""

_AROUND_ZH = re.compile(
    "在哪里|在哪儿|在哪|哪里|哪儿|哪个|哪一|这个|那个|这盒|那盒|这瓶|那瓶|这包|那包|这是|那是|是不是|有没有|一下|请问|帮我|"
    "是什么|什么|请|找|看|我|的|了|吗|呢|是|有|和|与|跟|把|要|想|买|盒子|瓶子|包装|产品|商品"
)
_LATIN = re.compile(r"[^\W_]+")
# What people say around a product's name.
_AROUND = frozenset(
    _LATIN.findall(
        "a an and any are at box bottle can carton compare different does do find for from have how i in is it jar me "
        "my not of on one or pack package packet photo picture please product same shelf show side that the there "
        "these this those to tub what when where which with you your"
    )
)
_HAN = re.compile(r"[㐀-鿿豈-﫿぀-ヿ]+")


class Words:
    """Which products have which words, in their titles and anywhere."""

    def __init__(self, products: Sequence[Product]) -> None:
        """Take in every product."""
        self._products = products
        self._titles = _Postings(product.title for product in products)
        self._records = _Postings(" ".join((p.sku, p.title, *p.attributes.values())) for p in products)
        self._skus = {_folded(product.sku): n for n, product in enumerate(products)}
        self._codes: dict[str, list[int]] = defaultdict(list)
        for n, product in enumerate(products):
            for name, value in product.attributes.items():
                if _folded(name) in _CODES:
                    for code in {_code(part) for part in re.split("[;,|]", value)} - {""}:
                        self._codes[code].append(n)

    def coded(self, code: str) -> list[Product]:
        """The products with this code, by SKU."""
        return [self._products[n] for n in self._codes.get(_code(code), ())]

    def named(self, words: str) -> list[Product]:
        """The products whose title or SKU these words name, the fullest agreement first.

        At least half of what the words say must be in the title, and nearly as much as in the best one.
        """
        agreed = self._titles.agreeing(_tokens(_without_around(words)))
        whole = _folded(words)
        for token in {whole, *(word.strip(".,!?;:，。！？") for word in whole.split())}:
            # Within a sentence only what looks like a SKU is one: it may as well be an ordinary word.
            if token in self._skus and (token == whole or re.search(r"\d", token[1:])):
                agreed[self._skus[token]] = 1.0
        most = max(agreed.values(), default=0.0)
        kept = [(n, share) for n, share in agreed.items() if share >= max(0.5, 0.75 * most)]
        return [self._products[n] for n, _ in sorted(kept, key=lambda pair: (-pair[1], pair[0]))]

    def search(self, words: str, n: int) -> list[tuple[Product, float]]:
        """The `n` products whose records share the most with these words, with the share, 0..1."""
        agreed = self._records.agreeing(_tokens(words))
        best = sorted(agreed.items(), key=lambda pair: (-pair[1], pair[0]))[:n]
        return [(self._products[product], share) for product, share in best]


class _Postings:
    """For each token the texts that hold it, by number."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._held: dict[str, list[int]] = defaultdict(list)
        self._texts = 0
        for n, text in enumerate(texts):
            self._texts += 1
            for token in _tokens(text):
                self._held[token].append(n)

    def agreeing(self, tokens: set[str]) -> dict[int, float]:
        """By text, the share of what the tokens say that it holds; a rare token says more, one nobody has the most."""
        worth = {t: 1 + math.log((1 + self._texts) / (1 + len(self._held.get(t, ())))) for t in tokens}
        agreed: dict[int, float] = defaultdict(float)
        for token, each in worth.items():
            for n in self._held.get(token, ()):
                agreed[n] += each / sum(worth.values())
        return agreed


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _without_around(words: str) -> str:
    folded = _AROUND_ZH.sub(" ", _folded(words))
    return " ".join(word for word in folded.split() if word.strip("?!.,'") not in _AROUND)


def _tokens(text: str) -> set[str]:
    """Words, without a plural's s; of Chinese and Japanese, which have no spaces, each two neighbours."""
    tokens: set[str] = set()
    folded = _folded(text)
    for run in _HAN.findall(folded):
        tokens.update([run] if len(run) == 1 else (run[i : i + 2] for i in range(len(run) - 1)))
    for word in _LATIN.findall(_HAN.sub(" ", folded)):
        tokens.add(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word)
    return tokens


def _code(text: str) -> str:
    """Digits without the zeros in front, so that UPC-A and the same EAN-13 agree; any other code as it is."""
    folded = re.sub(r"[\s-]", "", _folded(text))
    return folded.lstrip("0") if folded.isdecimal() and folded.isascii() else folded
