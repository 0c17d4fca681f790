"""Why did this weight move? Steps are made again with the weight watched, and its change is taken apart.

Every rule is two lines per step with its own numbers (`Expansion`); m is the memory before it:

    Δw = use·m + now·g,    m ← keep·m + take·g        (and of whole-step rules, Δw gets what else moved it)

So the change over a range of steps is Σ_n κ_n·g_n, and one term for the memory before the first step. κ_n is
what step n's gradient has become: with μ_n, the change per unit of m before step n,

    μ_n = use_n + keep_nᵀ·μ_{n+1},    κ_n = now_n + take_n·μ_{n+1}        (use, now: 0 before the range)

and g_n = −scale·Σ_p y_k·δ_j (the samples p of the batch) + penalties, clipped. Source: unrolling the rule by
hand; for momentum it is Σ_i η^i·α·δ_j·y_k of docs/the-rule.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Observed
from schuss.errors import ReplayError
from schuss.insight.account import Account, Pushes, quantised, remainder
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.rules.rule import Seen, WholeStep
from schuss.training.replay import Replay
from schuss.training.run import Run

__all__ = ["account"]

AT_ONCE = 2**20  # numbers of samples that are watched between two looks
FORGOTTEN = 1e-6  # memory fainter than this is one line
FARTHEST = 10_000  # steps that are unfolded where nothing else was said

Floats = NDArray[np.float64]


def account(
    run: Run, weight: int | str, start: int, stop: int | None = None, *, back: int | None = None
) -> Account:
    """Take a weight's change apart; see `Run.account`."""
    network = run.network
    place = network.weight_index(weight) if isinstance(weight, str) else weight
    name = network.weight_name(place)
    replay = run.replay
    start = check_integer("start", start, low=0, high=replay.stop - 1)
    stop = check_integer("stop", start + 1 if stop is None else stop, low=start + 1, high=replay.stop)
    first = _first_step(replay, start, back)
    return _Ledger(replay, place, name, first, start, stop).account()


def _first_step(replay: Replay, start: int, back: int | None) -> int:
    """Return from which step on the memory is unfolded."""
    known = replay.first  # a fork remembers no step before its first
    if back is not None:
        return max(known, start - check_integer("back", back, low=0))
    earliest = max(known, start - FARTHEST)
    rates = replay.plan.rates(earliest, start, len(replay.samples)) if start > earliest else np.empty(0)
    keep = replay.plan.rule.expansion(rates, None, np.float64).keep if len(rates) else np.empty((0, 0, 0))
    left: Floats = np.eye(keep.shape[1])
    for step in range(start - 1, earliest - 1, -1):
        left = left @ keep[step - earliest]
        if not np.abs(left).max(initial=0.0) >= FORGOTTEN:
            return step + 1
    return earliest


@dataclass
class _Steps:
    """What the weight saw, a number per step."""

    theta: Array  # before each step, and after the last: (steps+1,)
    memory: Array  # the same, (steps+1, slots)
    sums: Array
    factor: Array


@dataclass
class _Coefficients:
    """An expansion with its measure put in, and what becomes of memory and gradients by the end."""

    keep: Floats
    take: Floats
    use: Floats
    now: Floats
    other: Floats
    mu: Floats  # before each step, and after the last: (steps+1, rows)
    kappa: Floats

    @property
    def base(self) -> Floats:
        """What a gradient is multiplied by at first, in its own step: the rest of κ came later."""
        return np.where(self.take[:, 0] != 0, self.take[:, 0], self.now) if self.take.shape[1] else self.now


class _Ledger:
    """One account under way."""

    def __init__(self, replay: Replay, place: int, name: str, first: int, start: int, stop: int) -> None:
        self.replay, self.place, self.name = replay, place, name
        self.first, self.start, self.stop = first, start, stop
        self.plan, self.n = replay.plan, len(replay.samples)
        self.state = replay.at(first)
        self.dtype = self.state.theta.dtype
        self.is_bias = name.endswith("<- bias")
        self.scale = np.empty(0)
        self.by_sample = np.zeros(self.n)
        self.sizes = 0.0  # Σ|contribution| of single visits
        self.visits = np.zeros(self.n, np.int64)
        self.silent = 0

    def account(self) -> Account:
        """Return the account."""
        rule = self.plan.rule
        known = None if rule.reads_memory else self._coefficients(None)
        seen = self._watch(known)
        gradient = _Gradient(self, seen)
        if known is None:
            known = self._coefficients(Seen(seen.memory[:-1], seen.memory[1:], gradient.of_engine))
            self._watch(known)
        return self._close(seen, gradient, known)

    def _coefficients(self, seen: Seen | None) -> _Coefficients:
        """Return what becomes of each step's gradient."""
        rates = self.plan.rates(self.first, self.stop, self.n)
        keep, take, use, now, measure, other = self.plan.rule.expansion(rates, seen, self.dtype)
        inside = np.arange(self.first, self.stop) >= self.start
        share = np.where(inside, 1.0 / measure, 0.0)
        use, now = use * share[:, None], now * share
        other = np.zeros(len(now)) if other is None else np.where(inside, other, 0.0)
        mu = np.zeros((len(now) + 1, take.shape[1]))
        for i in range(len(now) - 1, -1, -1):
            mu[i] = use[i] + mu[i + 1] @ keep[i]
        return _Coefficients(keep, take, use, now, other, mu, now + (take * mu[1:]).sum(axis=1))

    def _watch(self, known: _Coefficients | None) -> _Steps:
        """Make the steps again; where the coefficients are known, add up what each sample gave."""
        parts, scales = list[Observed](), list[Floats]()
        for seen in self._observed():
            scale = self._scale(seen.rows)
            if known is not None:
                at = sum(map(len, scales))
                self._add_samples(seen, -known.kappa[at : at + len(scale)] * scale)
            scales.append(scale)
            parts.append(seen._replace(rows=seen.rows[:0], y=seen.y[:0], delta=seen.delta[:0]))
        self.scale = np.concatenate(scales)
        last = parts[-1].state
        theta = [*(part.theta[:, 0] for part in parts), last.theta[[self.place]]]
        memory = [*(part.memory[:, :, 0] for part in parts), last.memory[:, [self.place]].T]
        return _Steps(
            np.concatenate(theta),
            np.concatenate(memory),
            np.concatenate([part.sums[:, 0] for part in parts]),
            np.concatenate([part.factor for part in parts]),
        )

    def _observed(self) -> Iterator[Observed]:
        state, replay = self.state, self.replay
        at_once = max(1, AT_ONCE // self.plan.batch_of(self.n))
        while state.step < self.stop:
            until = min(self.stop, state.step + at_once)
            seen = replay.engine.observe(
                replay.network, state, replay.samples, self.plan, until, [self.place]
            )
            replay.check(state.step, seen.losses)
            if seen.state.step < until:
                raise ReplayError(f"step {seen.state.step} cannot be made again: its numbers are not finite.")
            state = seen.state
            yield seen

    def _scale(self, rows: NDArray[np.int32]) -> Floats:
        """Return the reduction's factor of each step, as the engine used it."""
        there = rows >= 0
        given = self.replay.samples.weights
        counted = there.astype(np.float64) if given is None else np.where(there, given[rows], 0.0)
        totals, which = np.unique(np.cumsum(counted, axis=1)[:, -1], return_inverse=True)
        objective = self.plan.objective
        factors = np.array([objective.scale(total) for total in totals.tolist()])
        return factors.astype(self.dtype).astype(np.float64)[which]

    def _add_samples(self, seen: Observed, factor: Floats) -> None:
        there = seen.rows >= 0
        terms = seen.y[:, :, 0].astype(np.float64) * seen.delta[:, :, 0]
        given = factor[:, None] * terms
        np.add.at(self.by_sample, seen.rows, given)  # where no sample is, nothing is added
        np.add.at(self.visits, seen.rows[there], 1)
        self.sizes += float(np.abs(given).sum())
        self.silent += int(np.count_nonzero(there & (terms == 0)))

    def _close(self, seen: _Steps, gradient: _Gradient, known: _Coefficients) -> Account:
        """Put the lines together, and the rounding that they leave."""
        kappa, base = known.kappa, known.base
        term = base * gradient.of_samples
        before, after = float(seen.theta[self.start - self.first]), float(seen.theta[-1])
        contribution = kappa * gradient.of_samples
        older = float(known.mu[0] @ seen.memory[0, : known.mu.shape[1]])
        others = self._others(seen, known, gradient)
        size = max(abs(before), abs(after), float(np.abs(contribution).max()))
        contribution, per_sample = (quantised(part, size) for part in (contribution, self.by_sample))
        common = quantised(np.array([older, *others.values()]), size).tolist()
        older, others = common[0], dict(zip(others, common[1:], strict=True))
        found = np.flatnonzero(self.visits)
        found = found[np.argsort(-np.abs(per_sample[found]), kind="stable")]
        per_sample = per_sample[found]
        bound = self._bound(seen, known, gradient)
        newest = slice(None, None, -1)
        coefficient = np.divide(kappa, base, out=np.zeros_like(kappa), where=base != 0)
        return Account(
            name=self.name,
            weight=self.place,
            rule=self.plan.rule.name,
            start=self.start,
            stop=self.stop,
            before=before,
            after=after,
            first=self.first,
            coefficient=coefficient[newest],
            term=term[newest],
            steps=Pushes(
                np.arange(self.first, self.stop)[newest],
                contribution[newest],
                remainder(before, after, [*contribution.tolist(), *common]),
                bound,
            ),
            samples=Pushes(
                found,
                per_sample,
                remainder(before, after, [*per_sample.tolist(), *common]),
                bound + self._bound_of_samples(),
            ),
            visits=self.visits[found],
            silent=self.silent,
            older=older,
            others=others,
        )

    def _others(self, seen: _Steps, known: _Coefficients, gradient: _Gradient) -> dict[str, float]:
        """Return the lines that are neither steps nor samples, those alone that the plan has."""
        plan, kappa, lines = self.plan, known.kappa, dict[str, float]()
        if isinstance(plan.rule, WholeStep) and plan.rule.elsewhere:
            lines[plan.rule.elsewhere] = float(known.other.sum())
        if plan.weight_decay and not self.is_bias:
            keeps = plan.keeps(self.start, self.stop, self.n).astype(self.dtype).astype(np.float64)
            inside = seen.theta[self.start - self.first : -1].astype(np.float64)
            lines["weight decay"] = float(((keeps - 1.0) * inside).sum())
        if plan.l2:
            lines["l2 penalty"] = float((kappa * gradient.of_l2).sum())
        if plan.l1:
            lines["l1 penalty"] = float((kappa * gradient.of_l1).sum())
        if plan.clip is not None:
            lines["clipping"] = float((kappa * gradient.of_clipping).sum())
        if any(plan.dropout_rates(self.replay.network.depth - 1)):
            lines["dropout"] = 0.0  # a silent unit gives nothing; `silent` counts how often
        return lines

    def places(self, seen: _Steps) -> Array:
        """Return the weight where each step's gradient was taken, shape (steps,)."""
        theta, place = seen.theta[:-1], getattr(self.plan.rule, "place", None)
        if place is None:
            return theta
        rates = self.plan.rates(self.first, self.stop, self.n).tolist()
        steps = zip(theta[:, None], seen.memory[:-1, :, None], rates, strict=True)
        return np.concatenate([place(*step) for step in steps])

    def _bound(self, seen: _Steps, known: _Coefficients, gradient: _Gradient) -> float:
        """Return what the roundings of the training, and of this account in float64, may come to.

        Each operation rounds by at most u = ½·eps of its result, and no rule takes more than eight of them.
        """
        u, steps, size = float(np.finfo(self.dtype).eps) / 2, len(known.kappa), gradient.size
        inside = np.arange(self.first, self.stop) >= self.start
        weights = np.abs(seen.theta.astype(np.float64))
        memory = np.abs(seen.memory[:-1, : known.mu.shape[1]].astype(np.float64))
        keep, take, use, mu = (np.abs(part) for part in (known.keep, known.take, known.use, known.mu))
        into_memory = (keep @ memory[:, :, None])[:, :, 0] + take * size[:, None]
        of_memory = (mu[1:] * into_memory).sum(axis=1)
        of_weight = inside * (weights[1:] + weights[:-1]) + (use * memory).sum(axis=1) + np.abs(known.other)
        of_gradient = (np.abs(known.now) + np.abs(known.kappa)) * size
        all_sizes = float((of_memory + of_weight + of_gradient).sum())
        return (8 * u + (steps + 8) * 2.0**-52) * all_sizes + np.finfo(self.dtype).tiny * steps * 64

    def _bound_of_samples(self) -> float:
        """Return what adding the samples up may have rounded off besides."""
        u, batch = float(np.finfo(self.dtype).eps) / 2, self.plan.batch_of(self.n)
        return (2 * batch * u + (self.stop - self.first + 8) * 2.0**-52) * self.sizes


class _Gradient:
    """The gradient of the weight at each step, shape (steps,), in parts that are not rounded to dtype."""

    def __init__(self, ledger: _Ledger, seen: _Steps) -> None:
        dtype, plan, scale = ledger.dtype, ledger.plan, ledger.scale
        w, sums = ledger.places(seen), seen.sums
        l2, l1 = (dtype.type(0 if ledger.is_bias else penalty) for penalty in (plan.l2, plan.l1))
        number = scale.astype(dtype)
        pull = l2 * w + l1 * np.sign(w)
        unclipped = number * (pull - sums if l2 or l1 else 0 - sums)  # with the engine's bits
        self.of_samples = -scale * sums.astype(np.float64)
        self.of_l2 = scale * (float(l2) * w.astype(np.float64))
        self.of_l1 = scale * (float(l1) * np.sign(w).astype(np.float64))
        self.of_engine = seen.factor.astype(dtype) * unclipped
        self.of_clipping = (seen.factor.astype(np.float64) - 1.0) * unclipped.astype(np.float64)
        parts = (self.of_samples, self.of_l2, self.of_l1, self.of_clipping)
        self.size: Floats = np.sum([np.abs(part) for part in parts], axis=0)
