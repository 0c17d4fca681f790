"""Every bad setting of a network is refused with a sentence, and nothing else is raised."""

import numpy as np
import pytest

from schuss.errors import DataError, SettingError
from schuss.method.initial import Init
from schuss.method.network import Network


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([2], "at least 2 sizes"),
        ([], "at least 2 sizes"),
        ("23", "at least 2 sizes"),
        (None, "at least 2 sizes"),
        (5, "at least 2 sizes"),
        ([2, 0, 1], r"layers\[1\] must be an integer of at least 1; got 0"),
        ([2, -3], r"layers\[1\]"),
        ([2, 1.0], r"layers\[1\]"),
        ([True, 1], r"layers\[0\]"),
        ([2, "3"], r"layers\[1\]"),
        ([2, None], r"layers\[1\]"),
    ],
)
def test_bad_layers(layers, message):
    """Sizes must be two or more positive integers."""
    with pytest.raises(SettingError, match=message):
        Network(layers)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "sigmoid"}, "activation must be one of"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": None}, "activation"),
        ({"activation": 5}, "activation"),
        ({"activation": ["relu", 5]}, "activation must be one of"),
        ({"activation": ["relu"]}, "needs one name or 2"),
        ({"activation": ["relu", "relu", "relu"]}, "needs one name or 2"),
        ({"activation": ["relu", "tanh"], "output": "relu"}, "output='relu'"),
        ({"activation": "softmax"}, "for the output layer only"),
        ({"activation": ["exp", "tanh"]}, "for the output layer only"),
        ({"output": "softmaxx"}, "did you mean 'softmax'"),
        ({"output": 3}, "activation must be one of"),
        ({"loss": "cross_entropy", "output": "logistic"}, "needs output activation 'softmax'"),
        ({"loss": "binary_cross_entropy", "output": "softmax"}, "needs output activation 'logistic'"),
        ({"loss": "poisson", "activation": ["relu", "identity"]}, "needs output activation 'exp'"),
        ({"loss": "crossentropy"}, "did you mean 'cross_entropy'"),
        ({"loss": 5}, "loss must be a name or a Loss"),
        ({"loss": None}, "loss must be a name or a Loss"),
        ({"biases": 1}, "biases must be True or False"),
        ({"biases": None}, "biases must be True or False"),
        ({"init": "xavier"}, "init must be one of"),
        ({"init": 5}, "init"),
        ({"init": None}, "init"),
    ],
)
def test_bad_settings(settings, message):
    """Each wrong name or type is a SettingError that says what is allowed."""
    with pytest.raises(SettingError, match=message):
        Network([2, 3, 1], **settings)


@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf"), "1", None])
def test_a_bad_scale_of_the_first_weights(scale):
    """The scale of the initialisation is a finite number of at least 0."""
    with pytest.raises(SettingError, match="init scale"):
        Init("normal", scale)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, None, "0", True])
def test_a_bad_seed_of_the_first_weights(seed):
    """Seeds are integers in [0, 2⁶⁴)."""
    with pytest.raises(SettingError, match="seed"):
        Network([2, 1]).initial(seed)


@pytest.mark.parametrize(
    ("weights", "biases"),
    [
        ([np.ones((2, 3))], None),  # one matrix too few
        ([np.ones((2, 3)), np.ones((3, 1)), np.ones((1, 1))], None),
        ([np.ones((3, 2)), np.ones((3, 1))], None),  # transposed
        ([np.ones((2, 3)), np.ones(3)], None),
        ([np.ones((2, 3)), np.ones((3, 1))], [np.ones(3)]),
        ([np.ones((2, 3)), np.ones((3, 1))], [np.ones(3), np.ones(3)]),
        ([np.ones((2, 3)), np.full((3, 1), np.nan)], None),
        ([np.ones((2, 3)), np.full((3, 1), np.inf)], None),
        ([np.ones((2, 3)), [["a"], ["b"], ["c"]]], None),
        ([[[1.0, 2.0], [3.0]], np.ones((3, 1))], None),  # ragged
    ],
)
def test_bad_given_weights(weights, biases):
    """Given arrays of a wrong number, shape or content are a DataError."""
    with pytest.raises(DataError, match=r"weights|biases|layers"):
        Network([2, 3, 1]).pack(weights, biases)


def test_biases_for_a_network_that_has_none():
    """Given biases are not dropped in silence."""
    with pytest.raises(DataError, match="bias"):
        Network([2, 1], biases=False).pack([np.ones((2, 1))], [np.ones(1)])


@pytest.mark.parametrize("shape", [(12,), (14,), (1, 13), ()])
def test_a_theta_of_another_length(shape):
    """Views and the engines refuse a theta that is not this network's."""
    with pytest.raises(DataError, match=r"shape \(13,\)"):
        Network([2, 3, 1]).views(np.zeros(shape))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "hidden1[0]",
        "hidden1[3] <- input[0]",  # hidden1 has units 0, 1, 2
        "hidden1[0] <- input[2]",
        "hidden2[0] <- input[0]",
        "output[0] <- input[0]",  # two layers away
        "input[0] <- input[0]",
        "output[0] <- hidden1[-1]",
        "output[0] -> hidden1[0]",
        "output[0] <- biases",
    ],
)
def test_a_weight_that_does_not_exist(name):
    """A name that leads nowhere is refused, with an example of one that would not be."""
    with pytest.raises(SettingError, match=r"a weight is named like|no weight"):
        Network([2, 3, 1]).weight_index(name)


def test_a_bias_that_does_not_exist():
    """A network without biases has none to be named."""
    with pytest.raises(SettingError, match="no weight"):
        Network([2, 1], biases=False).weight_index("output[0] <- bias")


@pytest.mark.parametrize("index", [-1, 13, 1.0, None])
def test_an_index_out_of_theta(index):
    """weight_name counts from 0 to one less than the number of parameters, never from the end."""
    with pytest.raises(SettingError, match="weight index"):
        Network([2, 3, 1]).weight_name(index)
