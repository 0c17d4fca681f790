"""Network: one flat vector, views into it, names for its places, and a description that survives JSON."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.method.functions import Loss
from schuss.method.initial import Init
from schuss.method.network import Network

sizes = st.lists(st.integers(1, 7), min_size=2, max_size=5)


@given(sizes, st.booleans())
def test_name_and_index_are_inverse(layers, biases):
    """Every place in theta has one name, and the name leads back to the place."""
    net = Network(layers, biases=biases)
    names = [net.weight_name(i) for i in range(net.n_parameters)]
    assert len(set(names)) == net.n_parameters
    assert [net.weight_index(name) for name in names] == list(range(net.n_parameters))


@given(sizes, st.booleans())
def test_the_views_cover_theta_once_and_in_order(layers, biases):
    """The views, read in order, are theta: weights of a layer row by row, then its biases."""
    net = Network(layers, biases=biases)
    theta = np.arange(net.n_parameters, dtype=float)
    parts = [part.ravel() for view in net.views(theta) for part in view if part is not None]
    np.testing.assert_array_equal(np.concatenate(parts), theta)
    assert [v.w.shape for v in net.views(theta)] == list(itertools.pairwise(layers))


def test_a_name_says_which_unit_feeds_which():
    """The name of a place names the very element of the layer's matrix, w[k, j] from unit k to unit j."""
    net = Network([2, 3, 1])
    theta = np.zeros(net.n_parameters)
    theta[net.weight_index("hidden1[2] <- input[1]")] = 1.0
    theta[net.weight_index("hidden1[0] <- bias")] = 2.0
    theta[net.weight_index(" output[0]<-hidden1[1] ")] = 3.0
    hidden, output = net.views(theta)
    assert hidden.w.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert hidden.b.tolist() == [2.0, 0.0, 0.0]
    assert output.w.tolist() == [[0.0], [3.0], [0.0]]


def test_views_are_views():
    """Writing through a view changes theta itself."""
    net = Network([2, 3, 1])
    theta = np.zeros(net.n_parameters)
    for view in net.views(theta):
        view.w[...] = 1.0
        view.b[...] = 2.0
    assert sorted(theta.tolist()) == [1.0] * 9 + [2.0] * 4
    assert all(np.shares_memory(v.w, theta) and np.shares_memory(v.b, theta) for v in net.views(theta))


def test_the_layer_of_a_weight():
    """layer_of counts weight layers from 0, a layer's biases included."""
    net = Network([2, 3, 1])
    assert [net.layer_of(i) for i in range(net.n_parameters)] == [0] * 9 + [1] * 4
    assert net.layer_names == ("input", "hidden1", "output")
    assert net.depth == 2


def test_pack_puts_given_arrays_in_their_places():
    """Pack and views are inverse; biases left out are 0."""
    net = Network([2, 3, 1])
    w1, w2 = np.arange(6.0).reshape(2, 3), np.array([[7.0], [8.0], [9.0]])
    theta = net.pack([w1, w2], [[10.0, 11.0, 12.0], [13.0]])
    assert theta.tolist() == [0, 1, 2, 3, 4, 5, 10, 11, 12, 7, 8, 9, 13]
    assert net.views(net.pack([w1, w2]))[0].b.tolist() == [0.0, 0.0, 0.0]


def test_a_network_without_hidden_layer():
    """2-1 is a network: two weights and a bias, or two weights."""
    assert Network([2, 1]).n_parameters == 3
    assert Network([2, 1], biases=False).n_parameters == 2
    assert Network([2, 1]).layer_names == ("input", "output")


@pytest.mark.parametrize(
    ("activation", "loss", "output"),
    [
        ("logistic", "squared_error", "logistic"),  # as in the derivation
        ("tanh", "squared_error", "tanh"),
        ("relu", "squared_error", "identity"),
        ("softplus", "squared_error", "identity"),
        ("logistic", "mean_squared_error", "identity"),
        ("tanh", "huber", "identity"),
        ("tanh", "cross_entropy", "softmax"),
        ("tanh", "binary_cross_entropy", "logistic"),
        ("tanh", "poisson", "exp"),
    ],
)
def test_the_output_activation_by_default(activation, loss, output):
    """The output's activation is what the loss needs, else follows a bounded one, else is the identity."""
    assert Network([2, 3, 3, 1], activation, loss).activation == (activation, activation, output)


def test_an_output_activation_that_is_asked_for():
    """output= overrides the default, and a full list is taken as it is."""
    assert Network([2, 3, 1], "tanh", output="relu").activation == ("tanh", "relu")
    assert Network([2, 3, 1], ["tanh", "elu"]).activation == ("tanh", "elu")


networks = st.builds(
    Network,
    sizes,
    st.sampled_from(["tanh", "relu", "gelu"]),
    st.sampled_from([Loss("squared_error"), Loss("huber", 0.7), Loss("quantile", 0.1), Loss("poisson")]),
    biases=st.booleans(),
    init=st.sampled_from([Init("he_normal"), Init("uniform", 0.3)]),
)


@given(networks)
def test_a_network_survives_json(net):
    """from_dict(to_dict) through JSON text gives an equal network with an equal hash."""
    again = Network.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert hash(again) == hash(net)


def test_networks_are_values():
    """Equal settings give equal networks; a network cannot be changed; its repr prints what matters."""
    assert Network([2, 3, 1]) == Network((2, 3, 1))
    assert Network([2, 3, 1]) != Network([2, 3, 1], biases=False)
    with pytest.raises(AttributeError):
        Network([2, 1]).layers = (3, 1)
    assert repr(Network([64, 128, 10])) == (
        "Network(64-128-10, relu, identity, squared_error, 9,610 parameters)"
    )
