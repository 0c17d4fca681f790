"""A recorded training that is killed again and again ends in the bits of one that never was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 45

TRAINER = """
import json, os, pathlib, shutil, signal, sys, time, warnings
import numpy as np
from schuss import (
    Adam, Cosine, GradientDescent, Keep, Momentum, Nesterov, Network, Plateau, Restart, load_run, train
)
from schuss.training import recorder, strides

folder, name, kills = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rng = np.random.default_rng(int(sys.argv[4]))
X = rng.standard_normal((301, 6))
T = np.column_stack([np.sin(X[:, 0] + X[:, 1]), X[:, 2] * X[:, 0]])
held_out = X[250:], T[250:]
network = Network([6, 40, 30, 2], "tanh", output="identity")
common = {"epochs": 800, "batch_size": 4, "threads": 1}
cases = {
    "momentum, cosine, restarts, float32": dict(
        rule=Momentum(Cosine(0.02, warm_up=0.1), Restart(0.9)), dtype="float32"
    ),
    "nesterov, early stopping": dict(
        rule=Nesterov(0.01, 0.8), validation=held_out, patience=300, min_improvement=0.0
    ),
    "adam, plateau": dict(
        rule=Adam(Plateau(0.01, 1.2, 1e-5)), patience=3, min_improvement=1e-3, dtype="float32"
    ),
    "descent, average, dropout, clip": dict(
        rule=GradientDescent(0.05), average=0.5, dropout=0.1, clip=1.0, weight_decay=0.01
    ),
    "a long epoch": dict(rule=Momentum(0.003, 0.9), batch_size=1, epochs=150),
    "written beside the steps": dict(rule=Momentum(0.003, 0.9), batch_size=1, epochs=150, dtype="float32"),
}
how = {**common, **cases[name]}
whole = train(network, X, T, **how)
keep = Keep(seconds=0.001, size=1.2e6)
if name == "written beside the steps":
    recorder.MANY = strides.STEPS = 100
    keep = Keep(seconds=0.01, size=4e6, norms=1)

def mark(run):
    best = None if run.best is None else run.best.digest()
    return (run.state.digest(), run.theta.tobytes(), run.step_loss.tobytes(), run.loss.tobytes(),
            run.validation_loss.tobytes(), best, run.stopped, run.reached)

def go_on():
    if (folder / "run.json").exists():
        return train(resume=folder)
    return train(network, X, T, record=folder, keep=keep, **how)

hit = ends = cut = begun = 0
where = []
while hit < kills:
    child = os.fork()
    if not child:
        try:
            go_on()
        finally:
            os._exit(0)
    time.sleep(rng.uniform(0.001, 0.1))
    os.kill(child, signal.SIGKILL)
    hit += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    if not (folder / "run.json").exists():
        begun += 1
        continue
    cut += any(p.name.startswith(".") for p in (folder / "checkpoints").iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is damaged by a kill
        opened = load_run(folder)
    where.append(opened.state.step)
    if opened.stopped != "unfinished":
        assert mark(opened) == mark(whole), "ended in other bits"
        shutil.rmtree(folder)
        ends += 1
if (folder / "run.json").exists():
    assert mark(go_on()) == mark(whole), "the last one ended in other bits"
    ends += 1
twin = train(network, X, T, **{**how, "seed": 1})
assert mark(twin) != mark(whole)
print(json.dumps({"hit": hit, "ends": ends, "cut": cut, "begun": begun, "where": len(set(where))}))
"""

CASES = [
    "momentum, cosine, restarts, float32",
    "nesterov, early stopping",
    "adam, plateau",
    "descent, average, dropout, clip",
    "a long epoch",
    "written beside the steps",
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork to kill cheaply")
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_instant_it_ends_in_the_same_bits(name: str, tmp_path: Path) -> None:
    """Over 200 kills in all: while it begins, trains, writes; each folder opens without a warning."""
    command = [sys.executable, "-c", TRAINER, str(tmp_path / "run"), name, str(KILLS), "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603  # our own command

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["hit"] >= KILLS
    assert told["ends"] > 0
    assert told["where"] > KILLS // 6, "the kills came always at the same place"
