"""How other systems write momentum: `CONVENTIONS`, the table from which forms, docs and tests are built.

Three things make a convention: whether the rate stands inside the memory, what a push is multiplied by
before it is remembered, and whether the first push is spared that factor. Whoever adds a row adds its
plain twin to the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schuss.method.rules import Momentum, Nesterov
from schuss.method.schedules import Listed

__all__ = ["CONVENTIONS", "Classical", "Convention", "Setting", "Settings"]

Settings = Mapping[str, float | bool]


@dataclass(frozen=True)
class Setting:
    """A setting under the name that its system gives it.

    Attributes
    ----------
    name, letter : str
        As the system spells it, and as its rule writes it.
    means : {"learning_rate", "momentum", "dampening", "nesterov"}
    default : float, bool or None
        The system's own; None: it has none.
    """

    name: str
    letter: str
    means: str
    default: float | bool | None = None


@dataclass(frozen=True)
class Classical:
    """Settings of v ← η·v − α·g, w ← w + v; with Nesterov, w ← w + η·v − α·g.

    Attributes
    ----------
    learning_rate, momentum : float
        α and η.
    nesterov : bool
    first : float
        The weight of the first gradient, where that of every later one is 1.
    """

    learning_rate: float
    momentum: float
    nesterov: bool = False
    first: float = 1.0

    @property
    def rule(self) -> Momentum | Nesterov:
        """The rule that does the same, from the first step on.

        The rate stands inside the velocity, so a first step with a larger rate is a first gradient with a
        larger weight.
        """
        kind = Nesterov if self.nesterov else Momentum
        first = self.learning_rate * self.first
        rate = self.learning_rate if self.first == 1.0 else Listed((first, self.learning_rate))
        return kind(rate, self.momentum)


@dataclass(frozen=True)
class Convention:
    """A system's way to write momentum.

    Attributes
    ----------
    name, title : str
    rule : str
        In the system's letters; g is the gradient.
    settings : tuple of Setting
    inside : bool
        Whether the rate stands inside the memory. If not, a change of rate rescales the whole memory.
    shared_with : {None, "momentum", "dampening"}
        A push is remembered times 1 minus this setting.
    first_whole : bool
        Whether the first push is remembered whole all the same.
    by_sample : bool
        Whether it makes a step after each sample.
    paste : str
        What to write there; braces hold what settings mean.
    kinds : tuple of str
        What {kind} in `paste` is without and with Nesterov.
    paste_first : str
        The same where the first gradient has another weight, {first} being its rate.
    remark, source : str
    """

    name: str
    title: str
    rule: str
    settings: tuple[Setting, ...]
    paste: str
    source: str
    inside: bool = True
    shared_with: str | None = None
    first_whole: bool = False
    by_sample: bool = False
    kinds: tuple[str, str] = ("", "")
    paste_first: str = ""
    remark: str = ""

    @property
    def rate_name(self) -> str:
        """The name of its learning rate."""
        return next(setting.name for setting in self.settings if setting.means == "learning_rate")

    def setting(self, means: str) -> Setting | None:
        """Return the setting with this meaning, or None."""
        return next((setting for setting in self.settings if setting.means == means), None)

    def to_classical(self, settings: Settings) -> Classical:
        """Return what the classical rule does with the same effect; `settings` are keyed by meaning."""
        momentum = float(settings["momentum"])
        kept = 1.0 - float(settings[self.shared_with]) if self.shared_with and momentum else 1.0
        return Classical(
            learning_rate=float(settings["learning_rate"]) * kept,
            momentum=momentum,
            nesterov=bool(settings.get("nesterov", False)),
            first=1.0 / kept if self.first_whole else 1.0,
        )

    def from_classical(self, classical: Classical) -> dict[str, float | bool]:
        """Return the settings, keyed by meaning, that come nearest; all but the first weight is exact."""
        kept = 1.0
        if self.shared_with == "momentum":
            kept = 1.0 - classical.momentum
        elif self.shared_with == "dampening":
            kept = 1.0 / classical.first
        values: dict[str, float | bool] = {
            "learning_rate": classical.learning_rate / kept,
            "momentum": classical.momentum,
            "nesterov": classical.nesterov,
            "dampening": 1.0 - kept,
        }
        return {setting.means: values[setting.means] for setting in self.settings}


def _rate(name: str, letter: str = "lr", default: float | None = None) -> Setting:
    return Setting(name, letter, "learning_rate", default)


def _momentum(name: str, letter: str = "μ", default: float | None = None) -> Setting:
    return Setting(name, letter, "momentum", default)


def _nesterov(name: str = "nesterov", *, default: bool = False) -> Setting:
    return Setting(name, "", "nesterov", default)


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention(
            "schuss",
            "schuss",
            "v ← ηv − αg; w ← w + v",
            (_rate("learning_rate", "α", 0.01), _momentum("momentum", "η", 0.9), _nesterov()),
            paste="{kind}(learning_rate={learning_rate}, momentum={momentum})",
            kinds=("Momentum", "Nesterov"),
            paste_first="{kind}(learning_rate=Listed(({first}, {learning_rate})), momentum={momentum})",
            source="docs/the-rule.md",
        ),
        Convention(
            "scikit-learn",
            "scikit-learn `MLPClassifier`, `MLPRegressor` (`sgd`)",
            "v ← μv − lr·g; w ← w + v",
            (
                _rate("learning_rate_init", default=0.001),
                _momentum("momentum", default=0.9),
                _nesterov("nesterovs_momentum", default=True),
            ),
            paste='MLPClassifier(solver="sgd", learning_rate_init={learning_rate}, momentum={momentum}, '
            "nesterovs_momentum={nesterov})",
            source="scikit-learn 1.9.1, run",
        ),
        Convention(
            "keras",
            "Keras 3 `SGD`",
            "v ← μv − lr·g; w ← w + v",
            (_rate("learning_rate", default=0.01), _momentum("momentum", default=0.0), _nesterov()),
            paste="keras.optimizers.SGD(learning_rate={learning_rate}, momentum={momentum}, "
            "nesterov={nesterov})",
            source="Keras 3.15.1, run",
        ),
        Convention(
            "caffe",
            "Caffe `SGD`, `Nesterov`",
            "v ← μv − lr·g; w ← w + v",
            (_rate("base_lr"), _momentum("momentum", default=0.0), _nesterov()),
            paste='type: "{kind}"\nbase_lr: {learning_rate}\nmomentum: {momentum}',
            kinds=("SGD", "Nesterov"),
            source="Caffe's tutorial on solvers",
        ),
        Convention(
            "weka",
            "Weka `MultilayerPerceptron`",
            "c ← lr·δ·y + μc; w ← w + c",
            (_rate("L", default=0.3), _momentum("M", default=0.2)),
            paste="weka.classifiers.functions.MultilayerPerceptron -L {learning_rate} -M {momentum}",
            by_sample=True,
            remark="With -D Weka divides the rate by the number of the epoch.",
            source="Weka's source",
        ),
        Convention(
            "fann",
            "FANN, incremental training",
            "d ← lr·δ·y + μd; w ← w + d",
            (_rate("learning_rate", default=0.7), _momentum("learning_momentum", default=0.0)),
            paste="fann_set_training_algorithm(ann, FANN_TRAIN_INCREMENTAL);\n"
            "fann_set_learning_rate(ann, {learning_rate});\n"
            "fann_set_learning_momentum(ann, {momentum});",
            by_sample=True,
            remark="FANN's other algorithms take no momentum, its default (RPROP) among them; its default "
            "error function is not the squared error.",
            source="FANN's source: fann.c, fann_train.c",
        ),
        Convention(
            "pdp",
            "PDP (Rumelhart and McClelland, ch. 8), Haykin",
            "Δw ← η·δ·y + α·Δw; w ← w + Δw",
            (_rate("eta", "η"), _momentum("alpha", "α")),
            paste="η = {learning_rate} (eta, the rate)\nα = {momentum} (alpha, the momentum)",
            remark="The letters are swapped: η is the rate and α the momentum.",
            source="Parallel Distributed Processing, 1986, vol. 1, ch. 8",
        ),
        Convention(
            "pytorch",
            "PyTorch `SGD`",
            "b ← μb + (1 − τ)g, at first b ← g; w ← w − lr·b",
            (
                _rate("lr", default=0.001),
                _momentum("momentum", default=0.0),
                Setting("dampening", "τ", "dampening", 0.0),
                _nesterov(),
            ),
            paste="torch.optim.SGD(model.parameters(), lr={learning_rate}, momentum={momentum}, "
            "dampening={dampening}, nesterov={nesterov})",
            inside=False,
            shared_with="dampening",
            first_whole=True,
            remark="With momentum 0 PyTorch ignores the dampening.",
            source="PyTorch 2.13.0, run",
        ),
        Convention(
            "tensorflow1",
            "TensorFlow 1 `MomentumOptimizer`",
            "b ← μb + g; w ← w − lr·b",
            (_rate("learning_rate"), _momentum("momentum"), _nesterov("use_nesterov")),
            paste="tf.compat.v1.train.MomentumOptimizer(learning_rate={learning_rate}, "
            "momentum={momentum}, use_nesterov={nesterov})",
            inside=False,
            source="TensorFlow 2.21's compat.v1, run",
        ),
        Convention(
            "optax",
            "Optax `sgd`, `trace`",
            "b ← μb + g; w ← w − lr·b",
            (_rate("learning_rate"), _momentum("momentum", default=0.0), _nesterov()),
            paste="optax.sgd(learning_rate={learning_rate}, momentum={momentum}, nesterov={nesterov})",
            inside=False,
            source="Optax 0.2.8, run",
        ),
        Convention(
            "darknet",
            "Darknet",
            "u ← μu − g; w ← w + lr·u",
            (_rate("learning_rate", default=0.001), _momentum("momentum", default=0.9)),
            paste="learning_rate={learning_rate}\nmomentum={momentum}",
            inside=False,
            source="Darknet's source: convolutional_layer.c",
        ),
        Convention(
            "moving-average",
            "moving average of gradients; Optax `ema`",
            "m ← βm + (1 − β)g; w ← w − lr·m",
            (_rate("learning_rate"), _momentum("beta", "β")),
            paste="optax.chain(optax.ema({momentum}, debias=False), "
            "optax.scale_by_learning_rate({learning_rate}))",
            inside=False,
            shared_with="momentum",
            remark="With debias=True, Optax's default, step n from 1 has the rate lr/(1 − βⁿ) instead of lr.",
            source="Optax 0.2.8, run",
        ),
        Convention(
            "matlab",
            "MATLAB `traingdm`",
            "dX ← mc·dX − lr·(1 − mc)·g, at first dX ← −lr·g; X ← X + dX",
            (_rate("lr", default=0.01), _momentum("mc", "mc", 0.9)),
            paste="net.trainFcn = 'traingdm';\nnet.trainParam.lr = {learning_rate};\n"
            "net.trainParam.mc = {momentum};",
            shared_with="momentum",
            first_whole=True,
            remark="Full batches only. The manual prints + dperf/dX; the step is downhill all the same.",
            source="MATLAB's manual, and its source of 2002",
        ),
    )
}
