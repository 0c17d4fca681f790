"""Peers as processes: started once, told what to prepare and what to run, ended together."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import PEERS

ANY_THREADS = 0  # schuss decides by itself
THREADS = (1, 2)


class PeerError(Exception):
    """A peer raised, or its process is gone."""


def installed() -> list[str]:
    """Return the peers whose library is here."""
    return [name for name, (module, _) in PEERS.items() if importlib.util.find_spec(module)]


class Worker:
    """One process of one peer."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self.threads, self.variant = peer, threads, ""
        self.cores = 0.0  # that were busy in the last run, on average
        some = {} if threads == ANY_THREADS else {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", peer, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | some,
            text=True,
        )

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def _ask(self, **request: Any) -> dict[str, Any]:
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError("its process ended") from None
        return self._answer()

    def wait_ready(self) -> None:
        """Wait until the library is loaded."""
        self._answer()

    def prepare(self, task: Path, variant: str) -> None:
        """Make a task ready, in one of the peer's ways."""
        self.variant = variant
        self._ask(prepare=str(task), variant=variant)

    def run(self, epochs: int) -> float:
        """Train and return the seconds it took."""
        answer = self._ask(run=epochs)
        self.cores = answer["cores"]
        return answer["seconds"]

    def weights(self, epochs: int, file: Path) -> list[NDArray[Any]]:
        """Train and return (w0, b0, w1, b1, …)."""
        self._ask(run=epochs, weights=str(file))
        with np.load(file) as arrays:
            return [arrays[name] for name in arrays.files]

    def end(self) -> None:
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Workers:
    """All processes of a benchmark; a context that ends them."""

    def __init__(self) -> None:
        self.peers = installed()
        self.absent = {name: "not installed" for name in PEERS if name not in self.peers}
        pairs = [("schuss", ANY_THREADS), *((peer, threads) for peer in self.peers for threads in THREADS)]
        self._workers = {pair: Worker(*pair) for pair in pairs if pair != ("schuss", 2)}

    def __enter__(self) -> Self:
        for worker in self._workers.values():
            try:
                worker.wait_ready()
            except PeerError as error:
                self.absent[worker.peer] = str(error)
        self.peers = [name for name in self.peers if name not in self.absent]
        return self

    def __exit__(self, *raised: object) -> None:
        for worker in self._workers.values():
            worker.end()

    def of(self, peer: str) -> list[Worker]:
        """Return a peer's processes, one for each number of threads."""
        return [worker for (name, _), worker in self._workers.items() if name == peer]
