"""A process that runs one peer on a fixed number of threads, and does what it is told line by line.

    python -m benchmarks.worker PEER THREADS

Requests and answers are JSON, one a line: {"prepare": task file, "variant": name}, {"run": epochs,
"weights": file or null}. It ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def serve(peer: Any, answers: Any) -> None:
    """Answer requests until there are no more."""
    import numpy as np

    from benchmarks.peers import read

    train = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                train = peer.prepare(read(Path(request["prepare"])), request["variant"])
                answer: dict[str, Any] = {}
            else:
                began = time.perf_counter()
                weights = train(request["run"])
                answer = {"seconds": time.perf_counter() - began}
                if request.get("weights"):
                    np.savez(request["weights"], *weights)
        except Exception as error:  # noqa: BLE001  # whatever a library raises is told to the parent
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Set the peer up, say so, and serve."""
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    peer = importlib.import_module(f"benchmarks.peers.{name}")
    peer.setup(threads)
    print(json.dumps({"ready": name}), file=answers, flush=True)
    serve(peer, answers)


if __name__ == "__main__":
    main()
