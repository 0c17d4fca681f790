"""How far our update rules are from PyTorch's and Optax's after 300 steps, in float64.

    python -m benchmarks.rules

On a quadratic of condition number 100 and on a small network, whose gradient at anybody's weights is our
reference engine's, so that the rules alone are compared. A difference is the largest of any weight, relative
to the largest weight. PyTorch and Optax, from the extra [bench], are asked where they are installed. Rates
fall along a cosine where the peer's convention allows it. What a peer lacks is put together from Optax's
parts. PyTorch's Rprop is iRPROP−; its Muon multiplies in bfloat16, which no rounding here could meet. ε is
1e-30 in Adam's rows: PyTorch adds it after the correction, we before, as the paper's section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from schuss import (
    Adagrad,
    Adam,
    AggMo,
    AveragedMomentum,
    Cosine,
    GradientDescent,
    IRpropMinus,
    Lion,
    Lookahead,
    Momentum,
    Nesterov,
    Network,
    OuterMomentum,
    Plan,
    QuasiHyperbolic,
    RMSprop,
    ScheduleFree,
)
from schuss.engine.reference import ReferenceEngine
from schuss.method.rules import Rule, WholeStep
from schuss.method.samples import Samples

STEPS, EXACT = 300, 1e-30
FALLING = Cosine(0.02, 0.002, warm_up=0.2)
WORST = 1e-9  # what rounding may come to on the network, where it grows with the steps

Numbers = Any
Slope = Callable[[Numbers], Numbers]
Peer = Callable[[Slope, Numbers, Numbers], Numbers]  # from gradient, first weights and rates (STEPS,)


class Row(NamedTuple):
    """A rule of ours and one of a peer that should make the same steps."""

    name: str
    rule: Rule | WholeStep
    peer: str
    follow: Peer
    weight_decay: float = 0.0


class Problem(NamedTuple):
    """What is minimised, and how our engine trains on it."""

    name: str
    start: Numbers
    slope: Slope
    run: Callable[[Rule | WholeStep, float], Numbers]


def torch_peer(make: Callable[[Any], Any]) -> Peer:
    """Return a peer from a function that makes a PyTorch optimizer for a list of parameters."""

    def follow(slope: Slope, start: Numbers, rates: Numbers) -> Numbers:
        import torch

        w = torch.tensor(start.copy(), dtype=torch.float64, requires_grad=True)
        optimizer = make([w])
        for rate in rates:
            optimizer.param_groups[0]["lr"] = float(rate)
            w.grad = torch.tensor(slope(w.detach().numpy()), dtype=torch.float64)
            optimizer.step()
        return w.detach().numpy()

    return follow


def optax_peer(make: Callable[[Any], Any], result: Callable[[Any, Any], Any] | None = None) -> Peer:
    """Return a peer from a function that makes an Optax transformation for a schedule of rates."""

    def follow(slope: Slope, start: Numbers, rates: Numbers) -> Numbers:
        import jax
        import optax

        jax.config.update("jax_enable_x64", True)
        table = jax.numpy.asarray(rates)
        transformation = make(lambda n: table[n])
        w = jax.numpy.asarray(start)
        state = transformation.init(w)
        step = jax.jit(transformation.update)
        for _ in rates:
            updates, state = step(jax.numpy.asarray(slope(np.array(w))), state, w)
            w = optax.apply_updates(w, updates)
        return np.array(w if result is None else result(state, w))

    return follow


def optax_lookahead(slope: Slope, start: Numbers, rates: Numbers) -> Numbers:
    """Return the fast weights of Optax's Lookahead, which it keeps in a pair with the slow ones."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    table = jax.numpy.asarray(rates)
    transformation = optax.lookahead(optax.sgd(lambda n: table[n], 0.9), 5, 0.5)
    pair = optax.LookaheadParams.init_synced(jax.numpy.asarray(start))
    state = transformation.init(pair)
    step = jax.jit(transformation.update)
    for _ in rates:
        updates, state = step(jax.numpy.asarray(slope(np.array(pair.fast))), state, pair)
        pair = optax.apply_updates(pair, updates)
    return np.array(pair.fast)


def torch_rows() -> Iterator[Row]:
    """Yield what PyTorch has."""
    from torch import optim

    def row(name: str, rule: Rule | WholeStep, make: Callable[[Any], Any], decay: float = 0.0) -> Row:
        return Row(name, rule, f"torch.optim.{name.split(',')[0]}", torch_peer(make), decay)

    yield row("SGD", GradientDescent(FALLING), lambda p: optim.SGD(p, 0.1))
    yield row("SGD, momentum", OuterMomentum(FALLING), lambda p: optim.SGD(p, 0.1, 0.9))
    yield row("SGD, constant rate", Momentum(0.02), lambda p: optim.SGD(p, 0.1, 0.9))
    yield row("SGD, dampening", OuterMomentum(FALLING, 0.9, 0.3), lambda p: optim.SGD(p, 0.1, 0.9, 0.3))
    outer = OuterMomentum(FALLING, 0.9, nesterov=True)
    yield row("SGD, nesterov", outer, lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True))
    yield row("SGD, nesterov, constant rate", Nesterov(0.02), lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True))
    yield row("Adam", Adam(FALLING, epsilon=EXACT), lambda p: optim.Adam(p, eps=EXACT))
    yield row(
        "AdamW", Adam(FALLING, epsilon=EXACT), lambda p: optim.AdamW(p, eps=EXACT, weight_decay=0.1), 0.1
    )
    yield row("RMSprop", RMSprop(Cosine(0.002, 0.0002, 0.2)), optim.RMSprop)
    yield row("Adagrad", Adagrad(FALLING), optim.Adagrad)
    yield row("Rprop", IRpropMinus(), optim.Rprop)


def optax_rows() -> Iterator[Row]:
    """Yield what Optax has, and what can be put together from its parts."""
    import optax

    def down(rate: Any) -> Any:
        return optax.scale_by_learning_rate(rate)

    def together(parts: list[Any], shares: list[float]) -> Any:
        """Return the sum of what parts make of the same gradient, each times its share."""

        def update(g: Any, states: Any, w: Any = None) -> Any:
            made = [part.update(g, state, w) for part, state in zip(parts, states, strict=True)]
            return sum(s * u for s, (u, _) in zip(shares, made, strict=True)), [state for _, state in made]

        return optax.GradientTransformation(lambda w: [part.init(w) for part in parts], update)

    def row(name: str, rule: Rule, make: Callable[[Any], Any], who: str = "", **how: Any) -> Row:
        return Row(name, rule, f"optax.{who or name}", optax_peer(make, **how))

    yield row("sgd", OuterMomentum(FALLING), lambda rate: optax.sgd(rate, 0.9))
    yield row(
        "sgd, nesterov",
        OuterMomentum(FALLING, nesterov=True),
        lambda rate: optax.sgd(rate, 0.9, nesterov=True),
        "sgd",
    )
    yield row(
        "ema",
        AveragedMomentum(FALLING),
        lambda rate: optax.chain(optax.ema(0.9, debias=False), down(rate)),
    )
    yield row(
        "quasi-hyperbolic",
        QuasiHyperbolic(FALLING, 0.95, 0.7),
        lambda rate: optax.chain(
            together([optax.identity(), optax.ema(0.95, debias=False)], [0.3, 0.7]), down(rate)
        ),
        "ema and identity",
    )
    yield row(
        "aggregated momentum",
        AggMo(FALLING),
        lambda rate: optax.chain(
            together([optax.trace(beta) for beta in (0.0, 0.9, 0.99)], [1 / 3] * 3), down(rate)
        ),
        "trace, three times",
    )
    yield row("rmsprop", RMSprop(Cosine(0.002, 0.0002, 0.2)),
              lambda rate: optax.rmsprop(rate, 0.99, eps_in_sqrt=False))  # fmt: skip
    yield row("lion", Lion(FALLING), lambda rate: optax.lion(rate, weight_decay=0.0))
    yield Row("lookahead, constant rate", Lookahead(0.02), "optax.lookahead", optax_lookahead)

    def free(rate: Any) -> Any:
        from optax.contrib import schedule_free

        # it asks for the rate of the step after, and its descent for that of the step itself
        return schedule_free(optax.sgd(rate), learning_rate=lambda n: rate(n - 1), b1=0.9)

    def mean(state: Any, w: Any) -> Any:
        from optax.contrib import schedule_free_eval_params

        return schedule_free_eval_params(state, w)

    yield row("schedule_free", ScheduleFree(0.02), free, "contrib.schedule_free", result=mean)
    rising = ScheduleFree(Cosine(0.02, 0.02, warm_up=0.2))
    yield row("schedule_free, warm-up", rising, free, "contrib.schedule_free", result=mean)


def problems() -> Iterator[Problem]:
    """Yield the quadratic, which a linear unit with a sample along each axis has, and the network."""
    curvatures = np.geomspace(0.05, 5.0, 7)
    X = np.diag(np.sqrt(7 * curvatures))
    unit = Network([7, 1], output="identity", biases=False)
    yield problem("quadratic", unit, X, X.sum(axis=1, keepdims=True), -np.ones(7))

    X = np.random.default_rng(0).standard_normal((22, 3))
    network = Network([3, 7, 2], "tanh", output="identity", biases=False)  # PyTorch decays biases too
    T = np.column_stack([np.sin(X[:, 0] + X[:, 1]), X[:, 2] * X[:, 0]])
    yield problem("network", network, X, T, network.initial(3, "float64"))


def problem(name: str, network: Network, X: Numbers, T: Numbers, start: Numbers) -> Problem:
    """Return the training of a network on all samples at once, by the readable engine."""
    samples, engine = Samples.check(network, X, T), ReferenceEngine()

    def slope(w: Numbers) -> Numbers:
        return engine.gradient(network, np.ascontiguousarray(w), samples, Plan().objective).gradient

    def run(rule: Rule | WholeStep, weight_decay: float) -> Numbers:
        plan = plan_of(rule, weight_decay)
        return plan.result(engine.advance(network, plan.start(start), samples, plan, STEPS).state)

    return Problem(name, start, slope, run)


def plan_of(rule: Rule | WholeStep, weight_decay: float = 0.0) -> Plan:
    """Return the plan of all steps, each on all samples."""
    return Plan(rule, epochs=STEPS, batch_size=None, order="sequential", weight_decay=weight_decay)


def rates_of(rule: Rule | WholeStep) -> Numbers:
    """Return what the peer has for a learning rate in each step, shape (STEPS,)."""
    if isinstance(rule, IRpropMinus):
        return np.full(STEPS, rule.first_step)
    plain = GradientDescent(rule.learning_rate)  # Adam's own first number is corrected already
    return plan_of(plain).rates(0, STEPS, 1)[:, 0]


def difference(problem: Problem, row: Row) -> float:
    """Return the largest difference of any weight, relative to the largest weight."""
    ours = problem.run(row.rule, row.weight_decay)
    theirs = row.follow(problem.slope, problem.start, rates_of(row.rule))
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def main() -> None:
    """Print the table."""
    missing = [name for name in ("torch", "optax") if find_spec(name) is None]
    if missing:
        print(f"left out, as not installed: {', '.join(missing)}")
    rows = [*([] if "torch" in missing else torch_rows()), *([] if "optax" in missing else optax_rows())]
    found = list(problems())
    print(f"{'peer':<32}{'as':<34}{'our rule':<20}" + "".join(f"{p.name:>12}" for p in found))
    worst = 0.0
    for row in rows:
        values = [difference(problem, row) for problem in found]
        worst = max(worst, *values)
        told = "".join(f"{value:>12.1e}" for value in values)
        print(f"{row.peer:<32}{row.name:<34}{row.rule.name:<20}{told}")
    print(f"worst {worst:.1e}, {'within' if worst <= WORST else 'BEYOND'} {WORST:g}")


if __name__ == "__main__":
    main()
