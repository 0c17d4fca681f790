"""A jump of the loss seen closely: whether its batch is hard or the weights got worse, and since when.

The loss of the jump's batch is set against that of a fixed sample of all rows, the probe:

    rise = (batch − probe, at the peak: the batch is hard) + (probe − loss before: the weights are worse)

Whether a batch is hard beyond the luck of the draw is judged by Chernoff's bound on the mean of |batch|
errors drawn from those of the probe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.insight.spikes.jumps import Jump
from schuss.insight.story.batch_terms import BatchTerms, batch_terms
from schuss.method.functions import Array
from schuss.method.samples import Samples, is_sparse
from schuss.method.state import State
from schuss.training.replay import Replay

__all__ = ["Scene", "chance", "scene_of"]

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]

PROBE = 256  # rows
BACK = 64  # steps before the onset that are looked at
LARGE = 2**17  # weights, from which on threads help
NEIGHBOURS = 2  # batches to either side of the peak that may be hard with it
POINTS = 14  # at which the probe's loss is looked at
CLEAR = math.log(1e-4)
HARD = 0.35  # of the way from what is usual to what carries the jump
STRANGE = 3.0  # so many times further from the middle than 99 of 100 rows: a strange row


@dataclass(frozen=True, eq=False)
class Scene:
    """What is known of a jump.

    Attributes
    ----------
    replay : Replay
    jump : Jump
    probe : int64 ndarray
        The rows of the probe.
    start : State
        The earliest one looked at.
    lowest : State
        Where the probe's loss was lowest since then.
    marks : int64 ndarray, shape (points,)
        Steps from `start` to the peak, all where these are few.
    curve : float64 ndarray, shape (points,)
        The probe's loss before each of them.
    rows : tuple of int32 ndarray
        The batches of all steps from `start` to the peak.
    near : tuple of BatchTerms
        Of the batches around the peak at the weights of the peak, of which `place` is its own; of that alone
        where it holds all rows.
    place : int
    others : BatchTerms
        Of the probe's other rows, at the same weights.
    """

    replay: Replay
    jump: Jump
    probe: Rows
    start: State
    lowest: State
    marks: Rows
    curve: Numbers
    rows: tuple[NDArray[np.int32], ...]
    near: tuple[BatchTerms, ...]
    place: int
    near_rows: NDArray[np.int64]
    others: BatchTerms

    @property
    def peak_rows(self) -> NDArray[np.int32]:
        """The batch at the peak."""
        return self.rows[-1]

    @property
    def low(self) -> int:
        """Where `curve` is lowest."""
        return int(np.flatnonzero(self.marks == self.lowest.step)[0])

    @cached_property
    def worse(self) -> float:
        """How far the probe's loss rose from its lowest."""
        return float(self.curve[self.low :].max() - self.curve[self.low])

    @property
    def level(self) -> float:
        """What a climb of the probe is measured by: its lowest loss, and a little of the run's first."""
        return float(self.curve[self.low]) + 0.05 * float(self.replay.losses[0]) + 1e-300

    @property
    def weights_are_worse(self) -> bool:
        """Whether the probe tells of the jump too: a good part of it, or that its loss rose by a half."""
        return self._shares_the_jump or self.worse > 0.5 * self.level

    @property
    def weights_are_clearly_worse(self) -> bool:
        """Whether it tells of it beyond what a training as it should be shows now and then."""
        return self._shares_the_jump or self.worse > 2 * self.level

    @property
    def is_clear(self) -> bool:
        """Whether it is a jump beyond doubt: of the weights, or of a batch that no luck makes so hard."""
        return self.weights_are_clearly_worse or self.log_chance < CLEAR

    @property
    def _shares_the_jump(self) -> bool:
        return self.worse > max(0.3 * self.jump.rise, 0.5 * self.jump.least, 0.1 * self.level)

    @cached_property
    def log_chance(self) -> float:
        """Bound on the log of the probability that batches drawn from all rows are as hard; at most 0.

        Of the batch at the peak, alone or with neighbours, whichever stands out most, times the number of
        these choices. All errors are taken at the weights of the peak.
        """
        every = np.concatenate([self.others.errors, self.batch.errors])
        sums = [(len(terms.errors), float(terms.errors.sum())) for terms in self.near]
        most = 0.0
        for first in range(self.place + 1):
            for last in range(self.place, len(sums)):
                n, total = np.sum(sums[first : last + 1], axis=0)
                most = min(most, chance(every, int(n), total / n))
        return min(0.0, most + math.log((self.place + 1) * (len(sums) - self.place)))

    @property
    def batch(self) -> BatchTerms:
        """The batch at the peak, at the weights of the peak."""
        return self.near[self.place]

    def carrying(self) -> Rows:
        """Return the fewest rows of the batch without which its loss would hardly have risen."""
        order = np.argsort(-self.batch.errors, kind="stable")
        errors, n = self.batch.errors[order], len(order)
        rest = (errors.sum() - np.cumsum(errors)) / np.maximum(n - 1 - np.arange(n), 1)
        middle = float(np.median(self.others.errors)) if len(self.others.errors) else 0.0
        usual = max(self.jump.before, middle)
        enough = np.flatnonzero(rest <= usual + 0.2 * (errors.mean() - usual))
        return np.sort(self.peak_rows[order[: int(enough[0]) + 1 if len(enough) else n]]).astype(np.int64)

    def hard(self) -> Rows:
        """Return the rows of the batches around the peak that are as hard as those carrying the jump."""
        own = float(np.median(self.batch.errors[np.isin(self.peak_rows, self.carrying())]))
        usual = float(np.quantile(self.others.errors, 0.8)) if len(self.others.errors) else 0.0
        errors = np.concatenate([terms.errors for terms in self.near])
        return np.unique(self.near_rows[errors >= min(usual, own) + HARD * max(own - usual, 0.0)])

    def loss_of(self, theta: Array, rows: Rows) -> float:
        """Return the loss of some rows at `theta`, no unit silent."""
        return _loss(self.replay, theta, self.replay.samples.take(rows))

    def strange(self) -> Rows:
        """Return the rows of the batches since the lowest loss whose inputs or targets lie far outside."""
        since = max(0, self.lowest.step - self.start.step - 2)
        met = np.unique(np.concatenate(self.rows[since:])).astype(np.int64)
        found = np.zeros(len(met), bool)
        for sizes, usual in zip(_sizes(self.replay, met), _sizes(self.replay, self.probe), strict=True):
            found |= sizes > STRANGE * max(float(np.quantile(usual, 0.98)), 1e-300)
        return met[found]


def scene_of(replay: Replay, jump: Jump) -> Scene:
    """Return what is to be known of `jump`."""
    probe = np.sort(np.random.default_rng(0).permutation(len(replay.samples))[:PROBE])
    state = start = lowest = replay.at(max(replay.first, jump.onset - BACK))
    marks = np.unique(np.linspace(start.step, jump.peak, POINTS).round().astype(np.int64))
    samples = replay.samples.take(probe)
    curve = [_loss(replay, state.theta, samples)]
    for mark in marks[1:].tolist():
        state = replay.run(state, mark).state
        curve.append(_loss(replay, state.theta, samples))
        lowest = state if curve[-1] < min(curve[:-1]) else lowest
    rows_of = partial(replay.engine.rows_of, replay.plan, n=len(replay.samples))
    rows = [rows_of(step) for step in range(start.step, jump.peak + 1)]
    around = range(max(0, jump.peak - NEIGHBOURS), min(jump.peak + NEIGHBOURS + 1, replay.stop))
    if len(rows[-1]) == len(replay.samples):
        around = range(jump.peak, jump.peak + 1)
    near = [rows_of(step).astype(np.int64) for step in around]
    return Scene(
        *(replay, jump, probe, start, lowest, marks, np.array(curve), tuple(rows)),
        near=tuple(_terms_at_peak(replay, state, these) for these in near),
        place=jump.peak - around.start,
        near_rows=np.concatenate(near),
        others=_terms_at_peak(replay, state, np.setdiff1d(probe, rows[-1])),
    )


def chance(errors: Numbers, n: int, mean: float) -> float:
    """Return Chernoff's bound on log P(the mean of n draws from `errors` ≥ `mean`).

    −n·max_t (t·mean − log E[exp(t·e)]), over a grid of t > 0.
    """
    largest = float(errors.max(initial=0.0))
    if not largest > 0 or mean <= float(errors.mean()):
        return 0.0
    t = np.geomspace(1e-3, 300.0, 100)[:, None] / largest
    log_moment = np.log(np.exp(t * (errors - largest)).mean(axis=1)) + t[:, 0] * largest
    return float(-n * max(0.0, (t[:, 0] * mean - log_moment).max()))


def _terms_at_peak(replay: Replay, state: State, rows: Rows) -> BatchTerms:
    plan, network = replay.plan, replay.network
    silent = plan.dropout_at(state.step, network.depth - 1)
    return batch_terms(network, state.theta, replay.samples.take(rows), plan.objective, silent)


def _loss(replay: Replay, theta: Array, samples: Samples) -> float:
    """Return the loss of `samples` as one batch, no unit silent; infinite where it is no number."""
    small = replay.network.n_parameters < LARGE and replay.engine.info.engine != "reference"
    engine = _one_thread() if small else replay.engine
    loss = engine.loss(replay.network, theta, samples, replay.plan.objective)
    return loss if np.isfinite(loss) else np.inf


@cache
def _one_thread() -> Engine:
    """Return an engine for losses that take less time than threads take to meet; the bits are the same."""
    return engine_named("auto", 1)


def _sizes(replay: Replay, rows: Rows) -> list[Numbers]:
    """Return the lengths of inputs, and of targets without their mean, of some rows."""
    samples = replay.samples.take(rows)
    X = samples.X.astype(np.float64)
    squares = np.asarray((X.multiply(X) if is_sparse(X) else X * X).sum(axis=1)).ravel()
    sizes = [np.sqrt(squares)]
    if samples.T is not None and replay.samples.T is not None:
        T = samples.T.astype(np.float64)
        sizes.append(np.linalg.norm(T - np.median(replay.samples.T, axis=0), axis=1))
    return sizes
