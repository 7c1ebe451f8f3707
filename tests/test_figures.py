"""The figures of `sightline eval`: laws that they keep to, and intervals that cover what they say."""

import random
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.agent.figures import BINS, Figure, auroc, calibration_error, median, reliability, share

# A grid: ties are common, and no transformation below rounds two apart or together.
scores = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=30)
hits = st.lists(st.booleans(), min_size=1, max_size=200)


def inside(figure: Figure | None) -> Figure:
    """The figure, which is within its interval."""
    assert figure is not None
    assert figure.interval is not None
    low, high = figure.interval
    assert low <= figure.value <= high
    return figure


@settings(deadline=None)
@given(scores, scores)
def test_auroc_is_the_share_of_pairs_in_order(positive: list[float], negative: list[float]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p, n in product(positive, negative)]
    assert inside(auroc(positive, negative)).value == pytest.approx(sum(pairs) / len(pairs))


@settings(deadline=None)
@given(scores, scores, st.sampled_from([lambda x: x + 7, lambda x: 3 * x, lambda x: x**3, lambda x: 1.1**x]))
def test_auroc_rests_on_the_order_alone(
    positive: list[float], negative: list[float], monotone: Callable[[float], float]
) -> None:
    moved = auroc([monotone(p) for p in positive], [monotone(n) for n in negative])
    assert moved == auroc(positive, negative)


@settings(deadline=None)
@given(scores, scores)
def test_auroc_of_the_sides_exchanged_is_what_is_left_of_one(positive: list[float], negative: list[float]) -> None:
    one, other = inside(auroc(positive, negative)), inside(auroc(negative, positive))
    assert one.value + other.value == pytest.approx(1)
    assert one.interval == pytest.approx([1 - edge for edge in reversed(other.interval or ())], abs=1e-9)


def test_perfect_order_among_few_is_not_certainty() -> None:
    few, many = (inside(auroc([1.0] * n, [0.0] * n)) for n in (5, 500))
    assert (few.value, many.value) == (1, 1)
    assert few.interval is not None
    assert many.interval is not None
    assert few.interval[0] < 0.8 < 0.98 < many.interval[0] < 1
    assert inside(auroc([0.0] * 5, [1.0] * 5)).value == 0


@settings(deadline=None)
@given(hits)
def test_a_share_lies_within_its_interval_and_the_interval_within_0_and_1(found: list[bool]) -> None:
    figure = inside(share(found))
    assert figure.value == sum(found) / len(found)
    assert figure.interval is not None
    low, high = figure.interval
    assert 0 <= low < high <= 1


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60))
def test_the_interval_of_a_median_is_between_two_of_the_values(values: list[float]) -> None:
    figure = inside(median(values))
    assert figure.interval is not None
    assert set(figure.interval) <= set(values)
    assert median(list(reversed(values))) == figure


def test_what_nothing_was_measured_of_is_none() -> None:
    assert share([]) is None
    assert auroc([], [1.0]) is None
    assert auroc([1.0], []) is None
    assert median([]) is None
    assert median([3.0, 1.0, 2.0]) == Figure(2.0, None)
    assert calibration_error(reliability([], [])) is None


def covered(times: int, truth: float, one: Callable[[np.random.Generator], Figure | None]) -> float:
    """How often the interval holds the truth."""
    rng = np.random.default_rng(0)
    intervals = [inside(one(rng)).interval for _ in range(times)]
    return sum(interval is not None and interval[0] <= truth <= interval[1] for interval in intervals) / times


@pytest.mark.parametrize(("truth", "n"), [(0.5, 30), (0.9, 50), (0.97, 120)])
def test_a_share_is_covered_19_times_in_20(truth: float, n: int) -> None:
    assert 0.93 <= covered(600, truth, lambda rng: share(list(rng.random(n) < truth))) <= 0.985


@pytest.mark.parametrize(("truth", "apart", "n"), [(0.5, 0.0, 30), (0.8, 1.190, 40), (0.95, 2.326, 60)])
def test_an_auroc_is_covered_19_times_in_20(truth: float, apart: float, n: int) -> None:
    def one(rng: np.random.Generator) -> Figure | None:
        return auroc(list(rng.normal(apart, 1, n)), list(rng.normal(0, 1, 2 * n)))

    assert 0.925 <= covered(400, truth, one) <= 0.985


def test_a_median_is_covered_at_least_19_times_in_20() -> None:
    assert 0.94 <= covered(600, 1.0, lambda rng: median(list(np.exp(rng.normal(0, 1, 41))))) <= 0.985


def honest(n: int, bent: Callable[[float], float]) -> tuple[Sequence[float], Sequence[bool]]:
    """Probabilities said, where the truth is another function of them."""
    dice = random.Random(0)
    said = [dice.random() for _ in range(n)]
    return said, [dice.random() < bent(p) for p in said]


def test_what_is_said_honestly_is_calibrated_and_what_is_overstated_is_not() -> None:
    honestly, overstated = (
        calibration_error(reliability(*honest(4000, bent))) for bent in (lambda p: p, lambda p: (0.5 + p) / 2)
    )
    assert honestly is not None
    assert honestly < 0.03
    # On average p is a quarter away from one half, and half of that is overstated.
    assert overstated == pytest.approx(0.125, abs=0.02)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_every_case_is_in_the_bin_that_it_was_said_in(cases: list[tuple[float, bool]]) -> None:
    bins = reliability([p for p, _ in cases], [t for _, t in cases])
    assert len(bins) == BINS
    assert sum(each.n for each in bins) == len(cases)
    assert sum(each.n * (each.true or 0.0) for each in bins) == pytest.approx(sum(t for _, t in cases))
    for each in bins:
        assert (each.said is None) == (each.true is None) == (each.interval is None) == (each.n == 0)
        assert each.said is None or each.low - 1e-9 <= each.said <= each.high + 1e-9
