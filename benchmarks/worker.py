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
from pathlib import Path
from typing import Any

from benchmarks.clock import Clock


def serve(peer: Any, answers: Any) -> None:
    """Answer requests until there are no more."""
    import numpy as np

    from benchmarks.peers import read

    ready: dict[tuple[str, str], Any] = {}  # by task and variant; of one task at a time
    train: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                key = request["prepare"], request["variant"]
                ready = {known: each for known, each in ready.items() if known[0] == key[0]}
                if key not in ready:
                    ready[key] = peer.prepare(read(Path(key[0])), key[1])
                train = ready[key]
                answer: dict[str, Any] = {}
            else:
                with Clock() as clock:
                    weights = train(request["run"])
                answer = {"seconds": clock.seconds, "cores": clock.cores}
                if request.get("weights"):
                    np.savez(request["weights"], *weights)
        except Exception as error:  # whatever a library raises is told to the parent
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Set the peer up, say so, and serve."""
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        peer = importlib.import_module(f"benchmarks.peers.{name}")
        peer.setup(threads)
    except Exception as error:  # a library that is there and does not load
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
        raise
    print(json.dumps({"ready": name}), file=answers, flush=True)
    serve(peer, answers)
    os._exit(0)  # some libraries take seconds to take themselves down


if __name__ == "__main__":
    main()
