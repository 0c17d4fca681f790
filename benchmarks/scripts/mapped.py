"""A training on a .npy file, mapped or read into memory; prints the seconds of the training."""

import sys
import time

import numpy as np

from schuss import Blocks, Momentum, Network, train

how, file, order, limit = *sys.argv[1:4], int(sys.argv[4])
if limit:  # no control group: at least what is not a mapped file is limited
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
X = np.load(file, mmap_mode="r" if how == "mapped" else None)
y = np.arange(len(X)) % 10
orders = {"sequential": "sequential", "blocks": Blocks(2**16)}
network = Network([X.shape[1], 128, 10], "relu", "cross_entropy")
began = time.perf_counter()
train(network, X, y, rule=Momentum(0.001, 0.9), epochs=2, batch_size=32, order=orders[order])
print(time.perf_counter() - began)
