"""A predictor: the outputs of fixed weights, the very bits of `outputs`, for one sample or several."""

import threading

import numpy as np
import pytest

from schuss.engine.native import NativeEngine
from schuss.method.network import Network

NETWORKS = {
    "softmax": Network([7, 19, 5], "silu", "cross_entropy"),
    "no hidden layer": Network([3, 1], biases=False),
    "deep": Network([64, 128, 33, 10], "tanh", "huber"),
}


def drawn(network: Network, dtype: str, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return network.initial(seed, dtype), rng.standard_normal((n, network.layers[0])).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", [0, 1, 2, 17, 1000])
def test_the_bits_of_outputs(engine, name, n, dtype):
    """A matrix gives what `outputs` gives, and is not written to."""
    theta, X = drawn(NETWORKS[name], dtype, n)
    before = X.copy()
    found = engine.predictor(NETWORKS[name], theta)(X)
    expected = engine.outputs(NETWORKS[name], theta, X)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()
    assert X.tobytes() == before.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_one_sample(engine, name, dtype):
    """A vector gives a vector: the row of one that `outputs` gives for a matrix of one row."""
    theta, X = drawn(NETWORKS[name], dtype, 5)
    predict = engine.predictor(NETWORKS[name], theta)
    for x in X:
        found = predict(x)
        assert found.shape == (NETWORKS[name].layers[-1],)
        assert found.tobytes() == engine.outputs(NETWORKS[name], theta, x[None])[0].tobytes()


def test_answers_are_new_arrays(engine):
    """What one call returned is not touched by the next."""
    network = NETWORKS["softmax"]
    theta, X = drawn(network, "float32", 2)
    predict = engine.predictor(network, theta)
    first = predict(X[0])
    kept = first.copy()
    assert predict(X[1]).tobytes() != kept.tobytes()
    assert first.tobytes() == kept.tobytes()
    assert first.flags.writeable


def test_it_keeps_its_weights(engine):
    """Weights changed afterwards are another network's; two predictors are two."""
    network = NETWORKS["deep"]
    theta, X = drawn(network, "float64", 3)
    predict = engine.predictor(network, theta)
    before = predict(X)
    theta *= 2
    other = engine.predictor(network, theta)
    assert predict(X).tobytes() == before.tobytes() != other(X).tobytes()
    assert other(X).tobytes() == engine.outputs(network, theta, X).tobytes()


@pytest.mark.parametrize("threads", [1, 3])
def test_many_rows_on_several_threads(isa, threads):
    """A matrix that is worth several threads: the bits of one."""
    network = Network([200, 300, 20], "gelu")
    theta, X = drawn(network, "float32", 3000)
    predict = NativeEngine(threads, isa).predictor(network, theta)
    assert predict(X).tobytes() == NativeEngine(1, isa).outputs(network, theta, X).tobytes()


def test_several_threads_ask_at_once(engine):
    """Eight threads with samples of their own, single ones and matrices, all get their own answers."""
    network = NETWORKS["deep"]
    theta, X = drawn(network, "float32", 800)
    predict, wrong = engine.predictor(network, theta), []
    expected = engine.outputs(network, theta, X)
    one_by_one = np.array([engine.outputs(network, theta, x[None])[0] for x in X])
    together = threading.Barrier(8)

    def ask(place: int) -> None:
        together.wait()
        for _ in range(3):
            for i in range(place, 800, 8):
                wrong.extend([i] * (predict(X[i]).tobytes() != one_by_one[i].tobytes()))
            wrong.extend([-1] * (predict(X).tobytes() != expected.tobytes()))

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


BAD = {
    "too short": (np.ones(6), ValueError),
    "too wide": (np.ones((2, 8)), ValueError),
    "three dimensions": (np.ones((1, 1, 7)), ValueError),
    "no dimension": (np.array(1.0), ValueError),
    "float32": (np.ones(7, np.float32), ValueError),
    "integers": (np.ones(7, int), ValueError),
    "complex": (np.ones(7, complex), ValueError),
    "the other byte order": (np.ones(7, ">f8"), ValueError),
    "with gaps": (np.ones(14)[::2], ValueError),
    "in Fortran order": (np.ones((7, 2)).T, ValueError),
    "list": ([1.0] * 7, TypeError),
    "number": (1.0, TypeError),
    "text": ("1234567", TypeError),
    "bytes": (bytes(56), TypeError),
    "nothing": (None, TypeError),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_samples_are_refused(engine, name):
    """What does not fit is refused with what was given and what is allowed, and the next call works."""
    network = NETWORKS["softmax"]
    theta, X = drawn(network, "float64", 1)
    predict, (given, error) = engine.predictor(network, theta), BAD[name]
    with pytest.raises(error, match=r"array of float64, shape \(7,\) or \(n, 7\); got [\w>]+"):
        predict(given)
    assert predict(X).tobytes() == engine.outputs(network, theta, X).tobytes()


def test_it_may_outlive_its_engine(native_engine):
    """Network, weights and engine may go; the predictor stays as it is."""
    theta, X = drawn(NETWORKS["softmax"], "float32", 4)
    expected = native_engine.outputs(NETWORKS["softmax"], theta, X).tobytes()
    predict = type(native_engine)(1, native_engine.info.instruction_set).predictor(
        Network([7, 19, 5], "silu", "cross_entropy"), theta
    )
    del theta
    assert predict(X).tobytes() == expected
