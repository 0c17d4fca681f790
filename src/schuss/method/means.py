"""From the losses of steps to those of epochs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.plan import Plan

__all__ = ["epoch_means", "epoch_shares", "whole_epochs"]

NEAR = 2**15  # losses at once: what is made of them stays near, in a room that is used again


def whole_epochs(plan: Plan, n: int, start: int, stop: int) -> int:
    """Return how many epochs the steps [start, stop) are, or raise SettingError where some are not whole."""
    per_epoch = plan.steps_per_epoch(n)
    if start % per_epoch or stop % per_epoch:
        raise SettingError(
            f"means are of whole epochs, here of {per_epoch} steps each; got the steps [{start}, {stop})."
        )
    return (stop - start) // per_epoch


def epoch_shares(plan: Plan, n: int) -> NDArray[np.float64]:
    """Return the share of each step in the mean loss of its epoch, shape (steps of an epoch,).

    By batch size; all alike where the reduction is ``"sum"``.
    """
    per_epoch = plan.steps_per_epoch(n)
    sizes = np.full(per_epoch, 1.0)
    if plan.reduction == "mean":
        batch = plan.batch_of(n)
        sizes = np.minimum(batch, n - np.arange(per_epoch) * batch).astype(float)
    shares: NDArray[np.float64] = sizes / sizes.sum()
    return shares


def epoch_means(losses: NDArray[np.float64], plan: Plan, n: int) -> NDArray[np.float64]:
    """Return the mean loss of each whole epoch, shape (…, epochs), from those of steps, shape (…, steps)."""
    shares = epoch_shares(plan, n)
    per_epoch = len(shares)
    epochs = losses.shape[-1] // per_epoch
    table = losses[..., : epochs * per_epoch].reshape(*losses.shape[:-1], epochs, per_epoch)
    if shares[0] == shares[-1]:  # all alike: by one number it goes faster
        shares = shares[:1]
    means = np.empty(table.shape[:-1])
    together = max(1, NEAR * epochs // max(1, table.size))
    for first in range(0, epochs, together):
        some = slice(first, first + together)
        # not a matrix product: its bits would depend on how many epochs are asked about at once
        means[..., some] = (table[..., some, :] * shares).sum(axis=-1)
    return means
