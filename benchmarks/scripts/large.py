"""A training of a large network, or only what comes before it: their peak memories are compared."""

import sys

import numpy as np

from schuss import Momentum, Network, train
from schuss.engine.native import NativeEngine

ROWS, EPOCHS = 1024, 2
layers, batch = [int(size) for size in sys.argv[2].split("-")], int(sys.argv[3])
X = np.random.default_rng(0).standard_normal((ROWS, layers[0]), np.float32)
y = np.arange(ROWS) % layers[-1]
network, engine = Network(layers, "relu", "cross_entropy"), NativeEngine()
# so that what a training imports is there in both
train(Network([2, 2]), X[:4, :2], X[:4, 2:4], rule=Momentum(0.001, 0.9), epochs=1, engine=engine)
if sys.argv[1] == "train":
    train(network, X, y, rule=Momentum(0.001, 0.9), epochs=EPOCHS, batch_size=batch, engine=engine)
