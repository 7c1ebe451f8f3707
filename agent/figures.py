"""Figures with their intervals: how often, how much, how well told apart, and how honest a probability is.

Every interval is one of 95% and is computed, not drawn: the same numbers give the same interval. Cases are taken to
be independent; two pairs of one photo, or two photos of one pack, are not quite, and then the interval is a little
too narrow. What nothing was measured of is `None`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)

BINS = 10
"""Bins of equal width that probabilities are put into. Source: Guo et al., "On calibration of modern neural networks",
ICML 2017, use 15; ten leave enough cases in each of a few hundred."""


@dataclass(frozen=True)
class Figure:
    """A value and its 95% interval, which is `None` where there are too few cases for one."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Bin:
    """The cases whose probability was said to be in `low..high`.

    `n` of them; `said` is their mean probability, `true` the share that came true, `interval` its 95% interval; `None`
    where there are none.
    """

    low: float
    high: float
    n: int
    said: float | None
    true: float | None
    interval: tuple[float, float] | None


def share(hits: Sequence[bool]) -> Figure | None:
    """The share of hits, 0..1, with Wilson's interval; `None` of nothing.

    It is within 0..1 and has a width at 0 and at 1 too. Source: Wilson, JASA 22 (1927); recommended by Brown, Cai and
    DasGupta, Statistical Science 16 (2001).
    """
    from scipy.stats import binomtest

    if not hits:
        return None
    found = sum(hits)
    low, high = binomtest(found, len(hits)).proportion_ci(_CONFIDENCE, method="wilson")
    value = found / len(hits)
    # At 0 and at 1 rounding leaves the value outside by a hair.
    return Figure(value, (min(float(low), value), max(float(high), value)))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> Figure | None:
    """How often a positive scores higher than a negative, a tie counting half: the area under the ROC curve, 0..1.

    This is the statistic of Mann and Whitney. The interval is method 5 of Newcombe, Statistics in Medicine 25 (2006),
    part 2: Wilson's idea with the variance of Hanley and McNeil. Unlike the bootstrap and DeLong's, it has a width
    where all positives score higher. `None` where there are no positives or no negatives.
    """
    from scipy.stats import rankdata

    m, n = len(positive), len(negative)
    if not m or not n:
        return None
    ranks = rankdata([*positive, *negative])
    value = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    return Figure(value, (_least_auroc(value, m, n), 1 - _least_auroc(1 - value, m, n)))


def _least_auroc(value: float, m: int, n: int) -> float:
    """The least area that a measured one is compatible with; the most is its mirror image."""
    from scipy.optimize import brentq

    cases = (m + n) / 2 - 1

    def beyond(area: float) -> float:
        spread = area * (1 - area) * (1 + cases * ((1 - area) / (2 - area) + area / (1 + area))) / (m * n)
        return float(value - area - _Z * np.sqrt(spread))

    # Just under the value: at 1 itself the spread is none, which would be a root of its own.
    below = value * (1 - 1e-12)
    return float(brentq(beyond, 0.0, below)) if value > 0 and beyond(below) < 0 else value


def median(values: Sequence[float]) -> Figure | None:
    """The median, in the unit of the values, with the interval that ranks give without assuming a distribution.

    Source: Conover, Practical Nonparametric Statistics, 3.2. Fewer than six values have no such interval.
    """
    from scipy.stats import binom

    if not values:
        return None
    ordered = sorted(values)
    # How many values may lie outside at either end.
    outside = int(binom.ppf((1 - _CONFIDENCE) / 2, len(ordered), 0.5)) - 1
    interval = (ordered[outside], ordered[-1 - outside]) if outside >= 0 else None
    return Figure(float(np.median(ordered)), interval)


def reliability(said: Sequence[float], true: Sequence[bool]) -> list[Bin]:
    """What came true of what was said to be so likely, in `BINS` bins of equal width; `said` in 0..1."""
    places = np.minimum((np.asarray(said, float) * BINS).astype(int), BINS - 1)
    out = []
    for n in range(BINS):
        here = [(p, t) for p, t, place in zip(said, true, places, strict=True) if place == n]
        found = share([t for _, t in here])
        mean = float(np.mean([p for p, _ in here])) if here else None
        value, interval = (found.value, found.interval) if found else (None, None)
        out.append(Bin(n / BINS, (n + 1) / BINS, len(here), mean, value, interval))
    return out


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error, 0..1: how far what is said is from what comes true, a case counting one.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015. `None` of nothing.
    """
    cases = sum(each.n for each in bins)
    off = sum(each.n * abs(each.said - each.true) for each in bins if each.said is not None and each.true is not None)
    return off / cases if cases else None
