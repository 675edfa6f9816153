"""How many instructions the replay of logs takes, for callgrind: docs/explanation/benchmarks.md has the command.

All logs are decoded once. Then one process is forked that replays nothing, and one for each log that replays it three
times, without garbage collection. Valgrind prints what each of them has counted when it ends; the difference to the
first one is the replay alone. Two versions are compared by their PYTHONPATH, with the same logs.
"""

import gc
import os
import sys
from pathlib import Path

from cti_es.model.replay import Replay
from cti_es.vocabulary.event_text import read_event

TIMES = 3


def main(names: list[str]) -> None:
    """Count each of these logs."""
    logs = {name: [read_event(line, name) for line in Path(name).read_bytes().splitlines()] for name in names}
    gc.disable()
    for name in ("nothing", *names):
        if pid := os.fork():
            os.waitpid(pid, 0)
            print(f"that was {name}", flush=True)
            continue
        for _ in range(TIMES if name in logs else 0):
            for _ in Replay().messages(logs[name]):
                pass
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
