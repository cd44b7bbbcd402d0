"""Balancing equals the definitions of the specification's section 2, and its draws are uniform."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from tests.support import oracle
from tests.support.strategies import examples, uids

Ints = npt.NDArray[np.int64]

counts_lists = st.lists(
    st.one_of(st.integers(0, 5), st.integers(0, 1000), st.integers(0, 10**11)),
    min_size=1,
    max_size=40,
)
ts = st.one_of(st.integers(1, 10), st.integers(1, 10**12))
seeds = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 42, 2**63, 2**64 - 1]))


def array(counts: list[int]) -> Ints:
    return np.array(counts, dtype=np.int64)


def lists(values: list[list[int]]) -> pa.ListArray:
    return pa.array(values, type=pa.list_(pa.int32()))


def digests(n: int) -> list[str]:
    """n uids as the pipeline makes them: hex digits of a hash."""
    return [hashlib.blake2b(b"%d" % i, digest_size=16).hexdigest() for i in range(n)]


# ---------------------------------------------------------------- tail share


@examples()
@given(counts_lists, ts)
def test_tail_share_is_the_definition(counts: list[int], t: int) -> None:
    share = balance.tail_share(array(counts), t)
    assert isinstance(share, float)
    assert share == oracle.tail_share(counts, t)


def test_tail_share_by_hand() -> None:
    counts = array([0, 1, 2, 2, 5, 10])
    assert balance.tail_share(counts, 1) == 0.0
    assert balance.tail_share(counts, 2) == 1 / 20  # an entry with exactly t matches is head
    assert balance.tail_share(counts, 3) == 5 / 20
    assert balance.tail_share(counts, 10) == 10 / 20
    assert balance.tail_share(counts, 11) == 1.0
    assert balance.tail_share(counts, 10**15) == 1.0


def test_tail_share_of_nothing() -> None:
    assert balance.tail_share(array([0, 0, 0]), 5) == 0.0
    assert balance.tail_share(array([]), 5) == 0.0


def test_tail_share_of_counts_beyond_32_bits() -> None:
    assert balance.tail_share(array([2**40, 3 * 2**40]), 2**41) == 0.25
    assert balance.tail_share(np.array([2**30] * 4, dtype=np.int32), 2**30 + 1) == 1.0


# ---------------------------------------------------------------- threshold for a tail share


@examples(300)
@given(counts_lists, st.floats(0.0, 1.0))
def test_threshold_is_the_definition(counts: list[int], p: float) -> None:
    t = balance.threshold_for_tail_share(array(counts), p)
    assert isinstance(t, int)
    assert t == oracle.threshold_for_tail_share(counts, p)
    assert t >= 1
    assert t in counts or t == 1


@examples(200)
@given(counts_lists, counts_lists, ts)
def test_threshold_for_another_language(anchor: list[int], counts: list[int], t: int) -> None:
    """p as it comes: the tail share of another language."""
    p = balance.tail_share(array(anchor), t)
    assert balance.threshold_for_tail_share(array(counts), p) == (oracle.threshold_for_tail_share(counts, p))


@examples(200)
@given(counts_lists.filter(any), st.fractions(0, 1, max_denominator=1000))
def test_threshold_is_nearest_in_exact_arithmetic(counts: list[int], p: Fraction) -> None:
    """Up to rounding no other position's running share is nearer to p."""
    t = balance.threshold_for_tail_share(array(counts), float(p))
    ascending, total, running = sorted(counts), sum(counts), 0
    distances: dict[int, Fraction] = {}  # of each count the nearest of its positions
    for n in ascending:
        running += n
        distance = abs(Fraction(running, total) - p)
        distances[max(1, n)] = min(distance, distances.get(max(1, n), distance))
    assert distances[t] <= min(distances.values()) + Fraction(1, 10**15)


@examples()
@given(counts_lists, st.randoms(use_true_random=False), st.floats(0.0, 1.0))
def test_threshold_does_not_depend_on_the_order(counts: list[int], random: Any, p: float) -> None:
    shuffled = list(counts)
    random.shuffle(shuffled)
    assert balance.threshold_for_tail_share(array(shuffled), p) == (balance.threshold_for_tail_share(array(counts), p))


@examples()
@given(counts_lists, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_larger_share_gives_no_smaller_threshold(counts: list[int], p: float, q: float) -> None:
    low, high = sorted([p, q])
    assert balance.threshold_for_tail_share(array(counts), low) <= (
        balance.threshold_for_tail_share(array(counts), high)
    )


@pytest.mark.parametrize(
    ("counts", "p", "t"),
    [
        # Running shares 0.1, 0.3, 0.6, 1.
        ([1, 2, 3, 4], 0.0, 1),
        ([1, 2, 3, 4], 0.19, 1),
        ([1, 2, 3, 4], 0.21, 2),
        ([1, 2, 3, 4], 0.46, 3),
        ([1, 2, 3, 4], 0.79, 3),
        ([1, 2, 3, 4], 0.81, 4),
        ([1, 2, 3, 4], 1.0, 4),
        ([4, 1, 3, 2], 0.21, 2),
        # Ties around p, exact in binary: shares 0.25, 0.5, 1 and p in the middle. The first counts.
        ([1, 1, 2], 0.375, 1),
        ([2, 2, 4], 0.75, 2),
        ([1, 3], 0.625, 1),
        ([2, 6, 8], 0.3125, 2),
        # Equal shares: entries that nothing matched come first, and t is never below 1.
        ([0, 0, 5], 0.0, 1),
        ([0, 0, 5], 0.4, 1),
        ([0, 0, 5], 0.5, 1),
        ([0, 0, 5], 0.6, 5),
        ([7, 7, 7, 7], 0.0, 7),
        ([7, 7, 7, 7], 0.6, 7),
        ([7, 7, 7, 7], 1.0, 7),
        ([9], 0.0, 9),
        ([9], 1.0, 9),
        ([0], 0.5, 1),
        ([0, 0, 0], 0.0, 1),
        ([0, 0, 0], 1.0, 1),
    ],
)
def test_threshold_by_hand(counts: list[int], p: float, t: int) -> None:
    assert balance.threshold_for_tail_share(array(counts), p) == t


def test_threshold_of_nothing() -> None:
    """No division by the total of 0, not even one whose warning nobody sees."""
    with np.errstate(all="raise"):
        assert balance.threshold_for_tail_share(array([]), 0.5) == 1
        assert balance.threshold_for_tail_share(array([0, 0]), 0.5) == 1
        assert balance.tail_share(array([0, 0]), 5) == 0.0


# ---------------------------------------------------------------- entry probabilities


@examples()
@given(counts_lists, ts)
def test_entry_probabilities_are_the_definition(counts: list[int], t: int) -> None:
    probabilities = balance.entry_probabilities(array(counts), t)
    assert probabilities.dtype == np.float64
    assert probabilities.tolist() == [oracle.entry_probability(n, t) for n in counts]


def test_entry_probabilities_by_hand() -> None:
    found = balance.entry_probabilities(array([0, 1, 19, 20, 21, 40, 200]), 20)
    assert found.tolist() == [1.0, 1.0, 1.0, 1.0, 20 / 21, 0.5, 0.1]
    assert balance.entry_probabilities(array([]), 20).tolist() == []


def test_entry_probabilities_warn_of_nothing() -> None:
    with np.errstate(all="raise"):
        assert balance.entry_probabilities(array([0, 0]), 1).tolist() == [1.0, 1.0]


# ---------------------------------------------------------------- keep probabilities


@st.composite
def matched(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """Counts, and for some pairs the ascending ids of their entries; a pair may have none."""
    counts = draw(counts_lists)
    ids = st.sets(st.integers(0, len(counts) - 1), max_size=12).map(sorted)
    return counts, draw(st.lists(ids, max_size=12))


@examples(300)
@given(matched(), ts)
def test_keep_probabilities_are_the_definition(case: tuple[list[int], list[list[int]]], t: int) -> None:
    """Bit for bit: the product is taken in the order of the ids."""
    counts, entry_ids = case
    probabilities = balance.entry_probabilities(array(counts), t)
    found = balance.keep_probabilities(lists(entry_ids), probabilities)
    assert found.dtype == np.float64
    assert found.tolist() == [oracle.keep_probability(ids, counts, t) for ids in entry_ids]
    exact = [float(oracle.exact_keep_probability(ids, counts, t)) for ids in entry_ids]
    assert found == pytest.approx(exact, rel=0, abs=1e-14)


@examples()
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_product_is_sequential(probabilities: list[float]) -> None:
    """A pairwise product, or a sum of logarithms, differs in the last bits for long lists."""
    product = 1.0
    for p in probabilities:
        product *= 1.0 - p
    ids = lists([list(range(len(probabilities)))])
    found = balance.keep_probabilities(ids, np.array(probabilities))
    assert found.tolist() == [1.0 - product]


def test_product_is_sequential_on_a_long_list() -> None:
    probabilities = np.array([1 / n for n in range(1000, 3000)])
    product = 1.0
    for p in probabilities.tolist():
        product *= 1.0 - p
    ids = lists([[0], list(range(2000)), [], [1999]])
    assert balance.keep_probabilities(ids, probabilities).tolist() == [
        *(1.0 - (1.0 - 1 / 1000), 1.0 - product),
        *(0.0, 1.0 - (1.0 - 1 / 2999)),
    ]


@examples()
@given(matched(), ts)
def test_a_pair_with_a_tail_entry_is_kept(case: tuple[list[int], list[list[int]]], t: int) -> None:
    counts, entry_ids = case
    probabilities = balance.entry_probabilities(array(counts), t)
    found = balance.keep_probabilities(lists(entry_ids), probabilities)
    for ids, keep in zip(entry_ids, found.tolist(), strict=True):
        assert 0.0 <= keep <= 1.0
        if any(counts[i] < t for i in ids):
            assert keep == 1.0
        if not ids:
            assert keep == 0.0


@examples()
@given(matched(), ts, ts)
def test_larger_t_keeps_a_superset(case: tuple[list[int], list[list[int]]], t1: int, t2: int) -> None:
    """No keep probability falls, and the draw does not know t."""
    counts, entry_ids = case
    low, high = sorted([t1, t2])
    fewer, more = (
        balance.keep_probabilities(lists(entry_ids), balance.entry_probabilities(array(counts), t)) for t in (low, high)
    )
    assert bool(np.all(fewer <= more))


def test_keep_probabilities_by_hand() -> None:
    probabilities = np.array([0.5, 0.25, 1.0, 0.0])
    ids = lists([[0], [1], [0, 1], [0, 1, 2], [3], [], [0, 1, 3]])
    found = balance.keep_probabilities(ids, probabilities)
    assert found.tolist() == [0.5, 0.25, 0.625, 1.0, 0.0, 0.0, 0.625]


def test_keep_probabilities_of_a_slice() -> None:
    """The offsets of a slice do not start at 0, and its values hold those of the other rows."""
    probabilities = np.array([0.5, 0.25, 1.0])
    whole = lists([[2], [0], [], [1], [0, 1], [], [2]])
    expected = [1.0, 0.5, 0.0, 0.25, 0.625, 0.0, 1.0]
    assert balance.keep_probabilities(whole, probabilities).tolist() == expected
    for start in range(8):
        for length in range(8 - start):
            found = balance.keep_probabilities(whole.slice(start, length), probabilities)
            assert found.tolist() == expected[start : start + length]


def test_keep_probabilities_of_offsets_with_unused_values() -> None:
    ids = pa.ListArray.from_arrays(pa.array([1, 2, 2, 4], type=pa.int32()), pa.array([9, 0, 0, 1, 9], type=pa.int32()))
    found = balance.keep_probabilities(ids, np.array([0.5, 0.25]))
    assert found.tolist() == [0.5, 0.0, 0.625]


@pytest.mark.parametrize("rows", [[], [[]], [[], [], []]])
def test_keep_probabilities_of_nothing(rows: list[list[int]]) -> None:
    for probabilities in (np.array([]), np.array([0.5])):
        found = balance.keep_probabilities(lists(rows), probabilities)
        assert found.dtype == np.float64
        assert found.tolist() == [0.0] * len(rows)


# ---------------------------------------------------------------- draws and selection keys


@examples(200)
@given(st.lists(uids(), max_size=10), seeds)
def test_draws_are_the_definition(some_uids: list[str], seed: int) -> None:
    found = balance.draws(some_uids, seed)
    assert found.dtype == np.float64
    assert found.tolist() == [oracle.draw(uid, seed) for uid in some_uids]
    assert all(0.0 <= one < 1.0 for one in found.tolist())


@examples(200)
@given(st.lists(uids(), max_size=10), seeds)
def test_selection_keys_are_the_definition(some_uids: list[str], seed: int) -> None:
    found = balance.selection_keys(some_uids, seed)
    assert found.dtype == np.uint64
    assert found.tolist() == [oracle.selection_key(uid, seed) for uid in some_uids]


def test_draws_by_hand() -> None:
    """Computed by a C program of ten lines that shares nothing with this one."""
    assert balance.draws(["4c25531c75d29b5c30054e6c2c168ff9"], 42).tolist() == [1992005314557869 / 2**53]
    assert balance.draws(["4c25531c75d29b5c30054e6c2c168ff9"], 0).tolist() == [1497039213517642 / 2**53]
    assert balance.draws(["f" * 16 + "0" * 16], 2**64 - 1).tolist() == [3484500655666319 / 2**53]
    assert balance.selection_keys(["4c25531c75d29b5c30054e6c2c168ff9"], 42).tolist() == [6854690476864202747]
    assert balance.selection_keys(["0" * 16 + "f" * 16], 0).tolist() == [3303439293501059696]


@pytest.mark.parametrize("of_type", [pa.string(), pa.large_string()])
def test_draws_of_arrow_arrays_and_slices(of_type: pa.DataType) -> None:
    names = digests(10)
    array_of_uids = pa.array(names, type=of_type)
    expected = [oracle.draw(uid, 3) for uid in names]
    keys = [oracle.selection_key(uid, 3) for uid in names]
    assert balance.draws(array_of_uids, 3).tolist() == expected
    assert balance.draws(array_of_uids.slice(4, 5), 3).tolist() == expected[4:9]
    assert balance.draws(array_of_uids.slice(10), 3).tolist() == []
    assert balance.selection_keys(array_of_uids, 3).tolist() == keys
    assert balance.selection_keys(array_of_uids.slice(4, 5), 3).tolist() == keys[4:9]
    assert balance.draws(pa.array([], type=of_type), 3).dtype == np.float64


KEYS = [balance.draws, balance.selection_keys, balance.order_keys]


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_of_more_than_64_bits_is_an_error(keys: Callable[..., Any], seed: int) -> None:
    with pytest.raises((UserError, ValueError)):
        keys(digests(1), seed)


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("uid", ["", "0" * 31, "0" * 33, "0" * 31 + "g", "0" * 31 + "é", None])
def test_uid_that_is_no_32_hex_digits_is_an_error(keys: Callable[..., Any], uid: str | None) -> None:
    with pytest.raises((UserError, ValueError)):
        keys(pa.array([*digests(2), uid]), 0)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("names", [digests(50_000), [f"{i:016x}{i:016x}" for i in range(50_000)]])
def test_draws_are_uniform(names: list[str], seed: int) -> None:
    """Kolmogorov-Smirnov on hashed and on running uids; 1.95 is exceeded by 1 sample of 1,000."""
    drawn = np.sort(balance.draws(names, seed))
    n = len(drawn)
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - drawn), np.max(drawn - steps[:-1]))
    assert distance * n**0.5 < 1.95


def test_draws_of_two_seeds_and_keys_are_unrelated() -> None:
    """Correlations of 50,000 independent values have a standard deviation of 0.0045."""
    names = digests(50_000)
    first = balance.draws(names, 1)
    second = balance.draws(names, 2)
    keys = balance.selection_keys(names, 1).astype(np.float64)
    for one, other in [(first, second), (first, keys), (second, keys), (first[1:], first[:-1])]:
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_order_is_fixed_by_the_seed_and_tied_to_nothing() -> None:
    """The manifest's order: all different, other for another seed, unrelated to draw and key."""
    names = digests(50_000)
    order = balance.order_keys(names, 1)
    assert order.dtype == np.uint64
    assert order.tolist() == balance.order_keys(pa.array(names), 1).tolist()
    assert order[100:200].tolist() == balance.order_keys(names[100:200], 1).tolist()
    assert len(set(order.tolist())) == len(names)
    ranks = order.astype(np.float64)
    for other in [
        balance.order_keys(names, 2).astype(np.float64),
        balance.selection_keys(names, 1).astype(np.float64),
        balance.draws(names, 1),
        np.array([float(int(uid[:16], 16)) for uid in names]),
        np.array([float(int(uid[16:], 16)) for uid in names]),
    ]:
        assert abs(np.corrcoef(ranks, other)[0, 1]) < 0.02


def test_as_many_are_kept_as_expected() -> None:
    """The number kept is within four standard deviations of the sum of keep probabilities."""
    rng = np.random.default_rng(5)
    counts = np.sort(rng.zipf(1.3, 2000).clip(max=10**6)).astype(np.int64)
    entry_ids = lists([sorted(set(rng.integers(0, 2000, 3).tolist())) for _ in range(20_000)])
    keep = balance.keep_probabilities(entry_ids, balance.entry_probabilities(counts, 2))
    assert float(np.mean(keep < 1.0)) > 0.05  # there is something to draw
    for seed in range(3):
        kept = int(np.sum(balance.draws(digests(20_000), seed) < keep))
        assert abs(kept - keep.sum()) < 4 * float(np.sqrt(np.sum(keep * (1 - keep))))
