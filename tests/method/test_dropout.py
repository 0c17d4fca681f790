"""Dropout's masks: the published generator, one number for each unit by its place, and fair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import philox
from schuss.method.dropout import Dropout, philox_words
from schuss.method.plan import Plan

words = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(("given", "expected"), philox.KNOWN.items())
def test_the_published_numbers(given, expected):
    """Counter and key of all zeros and of all ones give the numbers that the authors publish."""
    counter, key = given
    assert tuple(int(w) for w in philox_words(*counter, key)) == expected


@given(st.tuples(words, words, words, words), st.integers(0, 2**64 - 1))
def test_numpy_and_paper_agree(counter, key):
    """NumPy's numbers are those of the generator written from the paper."""
    assert tuple(int(w) for w in philox_words(*counter, key)) == philox.words_32(counter, key)


def silent(dropout: Dropout, layer: int, row: int, unit: int) -> bool:
    """Whether a unit is silent, word for word as the module's text says."""
    block = 16 * (unit // 64) + unit % 16
    word = philox.words_32((block, row, dropout.step, layer), dropout.seed)[unit // 16 % 4]
    return word >= int((1.0 - dropout.rates[layer]) * 2**32)


@pytest.mark.parametrize("dropout", [Dropout((0.5, 0.2), 3, 11), Dropout((0.1, 0.9), 2**63 + 5, 2**32 - 1)])
def test_a_mask_is_what_the_text_says(dropout):
    """Each unit's number is found by its place; kept ones are multiplied by 1/(1−p)."""
    for layer, rate in enumerate(dropout.rates):
        mask = dropout.mask(layer, 3, 150, "float64")
        for row, unit in np.ndindex(mask.shape):
            expected = 0.0 if silent(dropout, layer, row, unit) else 1.0 / (1.0 - rate)
            assert mask[row, unit] == expected, (layer, row, unit)


def test_every_place_has_a_mask_of_its_own():
    """Another seed, step, layer or row has another mask; more rows and units leave the first as they are."""
    base = Dropout((0.5, 0.5), 1, 2)
    mask = base.mask(0, 4, 100, "float64")
    others = [
        Dropout((0.5, 0.5), 2, 2).mask(0, 4, 100, "float64"),
        Dropout((0.5, 0.5), 1 + 2**32, 2).mask(0, 4, 100, "float64"),
        Dropout((0.5, 0.5), 1, 3).mask(0, 4, 100, "float64"),
        base.mask(1, 4, 100, "float64"),
        mask[[1, 2, 3, 0]],
        mask[:, np.roll(np.arange(100), 16)],
    ]
    for other in others:
        assert 0.3 < (other != mask).mean() < 0.7  # two fair coins differ half of the time
    np.testing.assert_array_equal(base.mask(0, 9, 300, "float64")[:4, :100], mask)


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_the_mean_is_one(rate):
    """Over many units a mask leaves the expected output as it is, to four standard deviations."""
    mask = Dropout((rate,), 7, 0).mask(0, 500, 400, "float64")
    deviation = np.sqrt(rate / (1 - rate) / mask.size)
    assert abs(mask.mean() - 1.0) < 4 * deviation
    assert abs((mask == 0).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / mask.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_edges(dtype):
    """The kept value is 1/(1−p) rounded to the dtype; p = 0 draws nothing; p close to 1 silences all."""
    mask = Dropout((0.3,), 0, 0).mask(0, 50, 50, dtype)
    assert mask.dtype == dtype
    assert set(np.unique(mask)) == {0, np.dtype(dtype).type(1 / (1.0 - 0.3))}
    assert Dropout((0.0,), 0, 0).mask(0, 5, 5, dtype) is None
    assert not Dropout((1 - 1e-12,), 0, 0).mask(0, 50, 50, dtype).any()
    assert (Dropout((1e-17,), 0, 0).mask(0, 50, 50, dtype) == 1).all()


def test_what_a_plan_says():
    """A plan's dropout is one rate for all hidden layers or one each, keyed by its seed and the step."""
    assert Plan(dropout=0.25, seed=5).dropout_at(9, 2) == Dropout((0.25, 0.25), 5, 9)
    assert Plan(dropout=(0.0, 0.5)).dropout_at(0, 2) == Dropout((0.0, 0.5), 0, 0)
    assert Plan().dropout_at(3, 2) is None
    assert Plan(dropout=0.5).dropout_at(3, 0) is None
