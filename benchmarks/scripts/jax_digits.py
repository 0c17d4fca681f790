"""Digits with JAX; with arguments, until that test accuracy is reached, and from that seed."""

import sys

import jax
import jax.numpy as jnp
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

EPOCHS = 67
goal = float(sys.argv[1]) if len(sys.argv) > 1 else None
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X.astype("float32"), y, test_size=0.2, random_state=0, stratify=y)
scaler = StandardScaler().fit(X)
X, X_test, y, y_test = map(jnp.array, (scaler.transform(X), scaler.transform(X_test), y, y_test))

keys = jax.random.split(jax.random.key(seed), EPOCHS + 2)
init = jax.nn.initializers.glorot_uniform()
theta = [
    (init(keys[-1], (64, 128)), jnp.zeros(128)),
    (init(keys[-2], (128, 10)), jnp.zeros(10)),
]
velocity = jax.tree.map(jnp.zeros_like, theta)


def outputs(theta, x):
    """Return the net inputs of the output layer."""
    (w0, b0), (w1, b1) = theta
    return jax.nn.relu(x @ w0 + b0) @ w1 + b1


def loss(theta, x, y):
    """Return the cross-entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs(theta, x)), y[:, None], axis=1).mean()


def step(state, rows):
    """Train on one batch."""
    theta, velocity = state
    gradient = jax.grad(loss)(theta, X[rows], y[rows])
    velocity = jax.tree.map(lambda v, g: 0.9 * v - 0.03 * g, velocity, gradient)
    return (jax.tree.map(jnp.add, theta, velocity), velocity), None


@jax.jit
def train_epoch(state, key):
    """Train on all whole batches, in a new order."""
    order = jax.random.permutation(key, len(X))[: len(X) // 32 * 32].reshape(-1, 32)
    return jax.lax.scan(step, state, order)[0]


@jax.jit
def score(theta):
    """Return the test accuracy."""
    return (outputs(theta, X_test).argmax(1) == y_test).mean()


for epoch in range(EPOCHS):
    theta, velocity = train_epoch((theta, velocity), keys[epoch])
    if goal and score(theta) >= goal:
        break
print(epoch + 1, score(theta))
