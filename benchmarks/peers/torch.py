"""PyTorch, eager, as its tutorials write it: Linear, a loss, backward, optim.SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("eager",)


def setup(threads: int) -> None:
    """Fix the threads."""
    import torch

    torch.set_num_threads(threads)


def model_of(task: Task) -> Any:
    """Return the network with its first weights."""
    import torch

    layers: list[Any] = []
    for w, b in zip(task.weights[::2], task.weights[1::2], strict=True):
        layer = torch.nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        layer.load_state_dict({"weight": torch.from_numpy(w.T.copy()), "bias": torch.from_numpy(b.copy())})
        layers += [layer, torch.nn.Tanh() if task.regression else torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def loss_of(task: Task) -> tuple[Callable[..., Any], Any]:
    """Return the loss as a function of outputs and targets, and all targets."""
    import torch

    if task.regression:
        targets = torch.from_numpy(task.one_hot)
        return lambda y, t: 0.5 * torch.nn.functional.mse_loss(y, t), targets
    return torch.nn.functional.cross_entropy, torch.from_numpy(task.T.astype("int64"))


def weights_of(model: Any) -> list[NDArray[Any]]:
    """Return (w0, b0, w1, b1, …)."""
    return [array.detach().numpy().T for array in model.parameters()]


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:  # noqa: ARG001  # one signature
    """Return a function that trains."""
    import torch

    X, batches = torch.from_numpy(task.X), torch.from_numpy(task.batches)
    loss, T = loss_of(task)

    def run(epochs: int) -> list[NDArray[Any]]:
        model = model_of(task)
        optimizer = torch.optim.SGD(model.parameters(), lr=task.rate, momentum=task.momentum)
        for epoch in range(epochs):
            for rows in batches[epoch % len(batches)]:
                optimizer.zero_grad()
                loss(model(X[rows]), T[rows]).backward()
                optimizer.step()
        return weights_of(model)

    return run
