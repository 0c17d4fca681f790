"""Digits with schuss; with arguments, until that test accuracy is reached, and from that seed."""

import sys

from schuss import Momentum, Network, read_table, train
from schuss.adapters.moments import mean_and_deviation
from schuss.adapters.splitting import split_rows
from schuss.adapters.targets import Target
from schuss.engine.native import NativeEngine

EPOCHS = 67
goal = float(sys.argv[1]) if len(sys.argv) > 1 else None
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
table = read_table("digits")
pixels, digit = list(table.columns)[:-1], Target.fit(table.column("digit"))
rows, test = split_rows(table, [digit], 360 / table.n_rows, seed=0)  # those of the other scripts
X, y = table.matrix(pixels), digit.encode(table.column("digit"))
mean, deviation = mean_and_deviation(X[rows])
X = ((X - mean) / deviation).astype("float32")
X, X_test, y, y_test = X[rows], X[test], y[rows], y[test]

network = Network([64, 128, 10], "relu", "cross_entropy")
engine = NativeEngine()


def reached(epoch) -> bool:
    """Whether the test accuracy is high enough."""
    return (engine.outputs(network, epoch.state.theta, X_test).argmax(1) == y_test).mean() >= goal


run = train(
    network,
    X,
    y,
    rule=Momentum(0.03, 0.9),
    epochs=EPOCHS,
    batch_size=32,
    seed=seed,
    callbacks=[reached] if goal else [],
)
print(run.epochs, (run.predict(X_test).argmax(1) == y_test).mean())
