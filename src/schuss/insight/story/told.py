"""What a story tells: what moved most, which samples pushed most, memory against fresh gradient. A value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.shown import Label, as_html, columns, number, plain, sample_name
from schuss.method.checks import check_choice
from schuss.method.network import Network

__all__ = ["Moved", "Pushed", "Story", "Timeline"]

Numbers = NDArray[np.float64]
LINES = 10  # points of the timeline that `text` shows


class Moved(NamedTuple):
    """How far a layer, a unit or a weight moved: Σ|θ(stop) − θ(start)| and Σ of |Δ| over all steps."""

    name: str
    net: float
    path: float


class Pushed(NamedTuple):
    """What one sample did: how often it was met, and its sums; see `Story`."""

    row: int
    met: int
    push: float
    on_unit: float
    against: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """Means over spans of neighbouring steps, each of shape (spans,).

    Attributes
    ----------
    first : int64 ndarray
        The first step of each span.
    loss : float64 ndarray
    gradient, memory, change : float64 ndarray
        Lengths: of the gradient without penalties and clipping, of what the memory changed, of the change.
    memory_share, fresh_share : float64 ndarray
        Σ⟨part, change⟩ / Σ⟨change, change⟩. They add up to 1, up to weight decay; one is above 1 where the
        other works against the change.
    cosine : float64 ndarray
        Of what the memory changed and the gradient: above 0, the memory led uphill. NaN without memory.
    """

    first: NDArray[np.int64]
    loss: Numbers
    gradient: Numbers
    memory: Numbers
    change: Numbers
    memory_share: Numbers
    fresh_share: Numbers
    cosine: Numbers


@dataclass(frozen=True, eq=False)
class Story:
    """Answers across all weights, over the steps [start, stop).

    Attributes
    ----------
    network : Network
    start, stop : int
    net, path : float64 ndarray, shape (n_parameters,)
        |θ(stop) − θ(start)| of each weight, and the sum of |Δ| over the steps.
    met : int64 ndarray, shape (n_samples,)
        In how many steps each sample was in the batch.
    push : float64 ndarray, shape (n_samples,)
        Σ of α·‖g_p‖ over the steps, g_p the sample's own term of the batch's gradient. For Adam α is α_t, and
        the division by the root of the mean square is left out.
    against : float64 ndarray, shape (n_samples,)
        Σ of −α·⟨g_p, g_rest⟩: by how much the sample's own push raised the loss of the rest of its batch, to
        first order; below 0, it lowered it.
    unit : str or None
        The unit that was asked about.
    on_unit : float64 ndarray, shape (n_samples,)
        As `push`, of the weights into that unit alone; zeros without one.
    timeline : Timeline
    """

    network: Network
    start: int
    stop: int
    net: Numbers
    path: Numbers
    met: NDArray[np.int64]
    push: Numbers
    against: Numbers
    unit: str | None
    on_unit: Numbers
    timeline: Timeline

    def layers(self) -> list[Moved]:
        """Return how far each layer of weights moved, in the network's order."""
        pairs = zip(self.network.views(self.net), self.network.views(self.path), strict=True)
        names = self.network.layer_names[1:]
        return [Moved(name, _sum(net), _sum(path)) for name, (net, path) in zip(names, pairs, strict=True)]

    def units(self, count: int = 5, by: str = "net") -> list[Moved]:
        """Return the `count` units whose incoming weights moved most, ``"net"`` or along their ``"path"``."""
        net, path = (_per_unit(self.network, values) for values in (self.net, self.path))
        names = zip(self.network.layer_names[1:], self.network.layers[1:], strict=True)
        named = [f"{layer}[{j}]" for layer, units in names for j in range(units)]
        return [Moved(named[i], float(net[i]), float(path[i])) for i in _largest(by, net, path, count)]

    def weights(self, count: int = 5, by: str = "net") -> list[Moved]:
        """Return the `count` weights that moved most, ``"net"`` or along their ``"path"``."""
        name = self.network.weight_name
        chosen = _largest(by, self.net, self.path, count)
        return [Moved(name(int(i)), float(self.net[i]), float(self.path[i])) for i in chosen]

    def samples(self, count: int = 5, by: str = "push") -> list[Pushed]:
        """Return the `count` samples first by ``"push"``, ``"on_unit"`` or ``"against"``, of those met."""
        check_choice("by", by, ("push", "on_unit", "against"))
        values = getattr(self, by)
        order = np.argsort(-values, kind="stable")
        rows = order[self.met[order] > 0][:count]
        return [
            Pushed(int(i), int(self.met[i]), *(float(a[i]) for a in (self.push, self.on_unit, self.against)))
            for i in rows
        ]

    def to_dict(self, count: int = 10) -> dict[str, Any]:
        """Return the first `count` of each list, and the timeline, as plain JSON values."""
        told = {
            "start": self.start,
            "stop": self.stop,
            "layers": [m._asdict() for m in self.layers()],
            "units": [m._asdict() for m in self.units(count)],
            "weights": [m._asdict() for m in self.weights(count)],
            "unit": self.unit,
            **{by: [p._asdict() for p in self.samples(count, by)] for by in self._lists()},
            "timeline": {f.name: getattr(self.timeline, f.name) for f in fields(self.timeline)},
        }
        return plain(told)

    def text(self, count: int = 5, label: Label = sample_name) -> str:
        """Return the story as lines of text; `label` says what a sample is called."""
        moved = [("layer", self.layers()), ("unit", self.units(count)), ("weight", self.weights(count))]
        blocks = [[f"Steps {self.start:,} to {self.stop:,} of {self.network!r}"]]
        blocks += [
            columns([f"{what} that moved", "net", "path"], [[n, number(a), number(b)] for n, a, b in rows])
            for what, rows in moved
        ]
        blocks += [self._pushed(by, count, label) for by in self._lists()]
        return "\n\n".join("\n".join(block) for block in [*blocks, self._over_time()])

    def _lists(self) -> list[str]:
        return ["push", *(["on_unit"] if self.unit else []), "against"]

    def _pushed(self, by: str, count: int, label: Label) -> list[str]:
        what = {
            "push": "sample that pushed most",
            "on_unit": f"sample that pushed most on {self.unit}",
            "against": "sample against the rest of its batch",
        }[by]
        rows = [[label(p.row), str(p.met), number(getattr(p, by))] for p in self.samples(count, by)]
        return columns([what, "steps", "sum"], rows)

    def _over_time(self) -> list[str]:
        t = self.timeline
        some = np.unique(np.linspace(0, len(t.first) - 1, LINES).round().astype(int))
        shown = (t.loss, t.memory_share, t.fresh_share, t.cosine, t.gradient, t.memory, t.change)
        rows = [[f"{int(t.first[i]):,}", *(number(float(a[i])) for a in shown)] for i in some]
        head = ["step", "loss", "memory's share", "fresh share", "cos(memory, g)", "|g|", "|memory|", "|Δ|"]
        return columns(head, rows)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        (most, *_), (row, *_) = self.units(1), self.samples(1)
        return (
            f"Story(steps {self.start:,} to {self.stop:,}, {most.name} moved most, net {most.net:.4g}; "
            f"sample {row.row} pushed most, {row.push:.4g})"
        )


def _sum(layer: Any) -> float:
    return float(sum(part.sum() for part in layer if part is not None))


def _per_unit(network: Network, values: Numbers) -> Numbers:
    """Return the sum over the incoming weights and the bias of each unit, layer after layer."""
    sums = [w.sum(axis=0) + (0.0 if b is None else b) for w, b in network.views(values)]
    return np.concatenate(sums)


def _largest(by: str, net: Numbers, path: Numbers, count: int) -> NDArray[np.intp]:
    check_choice("by", by, ("net", "path"))
    return np.argsort(-(net if by == "net" else path), kind="stable")[:count]
