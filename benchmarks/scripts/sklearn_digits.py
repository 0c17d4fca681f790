"""Digits with scikit-learn; with arguments, until that test accuracy is reached, and from that seed."""

import sys

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

EPOCHS = 67
goal = float(sys.argv[1]) if len(sys.argv) > 1 else None
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X.astype("float32"), y, test_size=0.2, random_state=0, stratify=y)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

model = MLPClassifier(
    (128,),
    solver="sgd",
    learning_rate_init=0.03,
    momentum=0.9,
    nesterovs_momentum=False,
    batch_size=32,
    alpha=0,
    random_state=seed,
)
for epoch in range(1, EPOCHS + 1):
    model.partial_fit(X, y, classes=range(10))
    if goal and model.score(X_test, y_test) >= goal:
        break
print(epoch, model.score(X_test, y_test))
