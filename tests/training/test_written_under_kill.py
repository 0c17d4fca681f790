"""A process that is killed while it saves again and again leaves a file that opens: the old or the new."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 60

SAVER = """
import json, os, pathlib, signal, sys, time
import numpy as np
from functools import partial
from schuss.adapters import model_file
from schuss import Network, load_model, save_model, train
from schuss.training import sealed

path = pathlib.Path(sys.argv[1])
if sys.argv[3] != "cached":
    sealed.LARGE = 0  # so that another thread makes the checksum meanwhile, as of large files
model_file.write_whole = partial(model_file.write_whole, cached=sys.argv[3] == "cached")
network = Network([40, 400, 10], "tanh", output="identity")
X, T = np.ones((4, 40)), np.zeros((4, 10))
runs = [train(network, X, T, epochs=1, seed=seed) for seed in (1, 2)]
digests = [run.state.digest() for run in runs]
save_model(runs[0], path)
wait = np.random.default_rng(0).uniform(0.005, 0.03, int(sys.argv[2]))
seen, cut = [], 0
for seconds in wait:
    child = os.fork()
    while not child:
        for run in reversed(runs):
            save_model(run, path)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    seen.append(digests.index(load_model(path).run.state.digest()))
    left = [p for p in path.parent.iterdir() if p != path]
    cut += len(left)
    assert all(p.name.startswith("." + path.name) for p in left), left
    for p in left:
        p.unlink()
print(json.dumps({"seen": seen, "cut": cut}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork to kill cheaply")
@pytest.mark.parametrize("way", ["cached", "past the cache"])
def test_a_kill_at_any_instant_leaves_a_file_that_opens(tmp_path: Path, way: str) -> None:
    """After each of many kills the file loads with its checksum, and is one of the two that were saved."""
    command = [sys.executable, "-c", SAVER, str(tmp_path / "model.schuss"), str(KILLS), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # our own command

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["seen"]) == KILLS
    assert set(told["seen"]) == {0, 1}
    assert told["cut"] > 0, "no kill fell into a save, so the test shows nothing"
