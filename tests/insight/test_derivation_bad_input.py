"""What `derive` refuses."""

import math
from typing import Any

import numpy as np
import pytest

from schuss import DataError, DivergenceError, Lbfgs, Momentum, Network, Rprop, SettingError, derive

NETWORK = Network([2, 2, 1], "logistic")


@pytest.mark.parametrize(
    ("x", "t", "how", "kind", "told"),
    [
        ([1, 0, 3], [1], {}, DataError, r"X must have shape \(n, 2\)"),
        ([1, math.nan], [1], {}, DataError, "X holds nan"),
        ([1, 0], [math.inf], {}, DataError, "T holds inf"),
        ([1, 0], [2], {}, DataError, "reaches only"),
        ([1, 0], [1, 0], {}, DataError, r"T must have shape \(1, 1\)"),
        (["a", "b"], [1], {}, DataError, "X must be a matrix of numbers"),
        ([[1, 0], [1]], [1, 0], {}, DataError, "X must be an array of numbers, rows of one length"),
        ([1, 0], [1], {"weight": "hidden9[0] <- input[0]"}, SettingError, "a weight is named like"),
        ([1, 0], [1], {"weight": "hidden1[7] <- input[0]"}, SettingError, "no weight 'hidden1"),
        ([1, 0], [1], {"weight": 9}, SettingError, "weight must be an integer of at least 0 and at most 8"),
        ([1, 0], [1], {"steps": 0}, SettingError, "steps must be an integer of at least 1"),
        ([1, 0], [1], {"sample": 1}, SettingError, "sample must be an integer of at least 0 and at most 0"),
        ([1, 0], [1], {"rule": "momentum"}, SettingError, "rule must be a Plan or one of"),
        (
            [1, 0],
            [1],
            {"rule": 3},
            SettingError,
            "or one of gradient_descent.*schedule_free; got 3",
        ),
        ([1, 0], [1], {"rule": Lbfgs()}, SettingError, "steps of lbfgs are SciPy's.*derived: gradient_desc"),
        ([1, 0], [1], {"rule": "lbfgs"}, SettingError, "steps of lbfgs are SciPy's"),
        ([1, 0], [1], {"rule": Rprop()}, SettingError, "a derivation needs a rule.*weight by weight"),
        ([1, 0], [1], {"theta": np.zeros(3)}, DataError, "theta of this network has shape"),
        ([1, 0], [1], {"theta": np.full(9, math.nan)}, DataError, "NaN or infinity"),
        ([1, 0], [1], {"memory": np.zeros(9)}, DataError, "memory of rule 'momentum' has shape"),
        ([1, 0], [1], {"seed": -1}, SettingError, "seed"),
        ([1, 0], [1], {"step": -1}, SettingError, "step must be an integer of at least 0"),
    ],
)
def test_bad_input_is_told(x: Any, t: Any, how: dict[str, Any], kind: type[Exception], told: str) -> None:
    """What was wrong, and what is allowed."""
    with pytest.raises(kind, match=told):
        derive(NETWORK, x, t, **how)


def test_steps_that_diverge_are_told() -> None:
    """With the step and the layer, as in a training, and without a warning of NumPy's."""
    with pytest.raises(DivergenceError, match="at step 1 the weights into layer"):
        derive(Network([2, 2, 1], "relu"), [-1, 0], [1], rule=Momentum(1e200), steps=30)
