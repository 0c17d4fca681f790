"""Digits with schuss; with an argument, until that test accuracy is reached."""

import sys

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from schuss import Momentum, Network, train
from schuss.engine.native import NativeEngine

EPOCHS = 67
goal = float(sys.argv[1]) if len(sys.argv) > 1 else None
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X.astype("float32"), y, test_size=0.2, random_state=0, stratify=y)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

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
    callbacks=[reached] if goal else [],
)
print(run.epochs, (run.predict(X_test).argmax(1) == y_test).mean())
