"""PyTorch as fast as it goes without leaving its tensors: no autograd, gradients into buffers that stay.

``eager fused`` keeps autograd, but gathers a whole epoch at once and takes SGD's fused kernel; ``by hand``
writes the derivation out with ``out=`` and updates weights in place.
torch.compile is left out: it compiled 64-128-10 for 13 s and was then slower than eager, 190 µs a step
against 150.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers import Task
from benchmarks.peers import torch as plain

VARIANTS = ("eager fused", "by hand")
setup = plain.setup


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:
    """Return a function that trains."""
    return fused(task) if variant == "eager fused" else by_hand(task)


def fused(task: Task) -> Callable[[int], list[NDArray[Any]]]:
    """Return a training with autograd and the fused optimizer."""
    import torch

    X, orders = torch.from_numpy(task.X), torch.from_numpy(task.orders).long()
    loss, T = plain.loss_of(task)

    def run(epochs: int) -> list[NDArray[Any]]:
        model = plain.model_of(task)
        optimizer = torch.optim.SGD(model.parameters(), lr=task.rate, momentum=task.momentum, fused=True)
        for epoch in range(epochs):
            order = orders[epoch % len(orders)]
            for x, t in zip(X[order].split(task.batch), T[order].split(task.batch), strict=True):
                optimizer.zero_grad()
                loss(model(x), t).backward()
                optimizer.step()
        return plain.weights_of(model)

    return run


def by_hand(task: Task) -> Callable[[int], list[NDArray[Any]]]:
    """Return a training without autograd."""
    import torch

    X, T = torch.from_numpy(task.X), torch.from_numpy(task.one_hot)
    orders = torch.from_numpy(task.orders).long()
    first = [torch.from_numpy(array) for array in task.weights]
    outputs = [torch.empty(task.batch, size, dtype=X.dtype) for size in task.layers[1:]]
    depth, scale = len(outputs), -task.rate / task.batch

    def step(x: Any, t: Any, w: list[Any], b: list[Any], vw: list[Any], vb: list[Any]) -> None:
        y = [x]
        for i, out in enumerate(outputs):
            torch.addmm(b[i], y[-1], w[i], out=out)
            if i < depth - 1:
                out.tanh_() if task.regression else out.relu_()
            y.append(out)
        delta = y[-1].sub_(t) if task.regression else torch.softmax(y[-1], 1).sub_(t)
        for i in reversed(range(depth)):
            vw[i].addmm_(y[i].T, delta, beta=task.momentum, alpha=scale)
            vb[i].mul_(task.momentum).add_(delta.sum(0), alpha=scale)
            if i > 0:
                slope = 1 - y[i] * y[i] if task.regression else y[i] > 0
                delta = torch.mm(delta, w[i].T).mul_(slope)
            w[i].add_(vw[i])
            b[i].add_(vb[i])

    def run(epochs: int) -> list[NDArray[Any]]:
        theta = [array.clone() for array in first]
        velocity = [torch.zeros_like(array) for array in first]
        for epoch in range(epochs):
            order = orders[epoch % len(orders)]
            for x, t in zip(X[order].split(task.batch), T[order].split(task.batch), strict=True):
                step(x, t, theta[::2], theta[1::2], velocity[::2], velocity[1::2])
        return [array.numpy() for array in theta]

    return lambda epochs: _without_gradients(run, epochs)


def _without_gradients(run: Callable[[int], Any], epochs: int) -> Any:
    import torch

    with torch.inference_mode():
        return run(epochs)
