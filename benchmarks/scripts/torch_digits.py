"""Digits with PyTorch; with arguments, until that test accuracy is reached, and from that seed."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

EPOCHS = 67
goal = float(sys.argv[1]) if len(sys.argv) > 1 else None
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X.astype("float32"), y, test_size=0.2, random_state=0, stratify=y)
scaler = StandardScaler().fit(X)
X, X_test, y, y_test = map(torch.from_numpy, (scaler.transform(X), scaler.transform(X_test), y, y_test))

torch.manual_seed(seed)
torch.set_num_threads(1)  # faster here than two
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)


@torch.inference_mode()
def score() -> float:
    """Return the test accuracy."""
    return (model(X_test).argmax(1) == y_test).float().mean().item()


for epoch in range(1, EPOCHS + 1):
    for rows in torch.randperm(len(X)).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
        optimizer.step()
    if goal and score() >= goal:
        break
print(epoch, score())
