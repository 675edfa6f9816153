"""Explore the small worlds of ``tests/support/worlds.py`` deeply: ``python tests/campaigns/worlds.py [NAME …]``.

Each world is explored until no new state is found, or to the depth that it has, or until ``--states`` are reached
(the level that is being explored then is still finished). Prints a Markdown table; the table of the last run is in
docs/explanation/trust.md. What does not hold ends the run with exit code 1 and is written as a log that replays.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.worlds import WORLDS, Broken, explore


def main() -> None:
    """Explore the worlds that are asked for, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="worlds (default: all)")
    parser.add_argument("--depth", type=int, help="explore no deeper")
    parser.add_argument("--states", type=int, default=100_000, help="go no deeper from so many states on")
    parser.add_argument("--naive", type=int, default=100, help="every so-manieth state also by the naive fold")
    parser.add_argument("-o", "--output", type=Path, default=Path("broken.ndjson"), help="where to write a failing log")
    options = parser.parse_args()
    print("| world | inputs | depth | complete | states | transitions | of them misfits | steps of drains | naive |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    total = [0] * 5
    begun = time.monotonic()
    for name in options.names or WORLDS:
        world = WORLDS[name]
        try:
            seen = explore(world, options.depth or world.deep, options.naive, progress, options.states)
        except Broken as broken:
            options.output.write_text(broken.ndjson(), "utf-8")
            sys.exit(f"{name}: {broken.what}\n{broken.ndjson()}the log is in {options.output}")
        counts = (seen.states, seen.transitions, seen.misfits, seen.drained, seen.naive)
        total = [one + more for one, more in zip(total, counts, strict=True)]
        print(row(name, len(world.inputs), seen.depth, "yes" if seen.complete else "", *counts), flush=True)
    print(row("together", "", "", "", *total))
    print(f"{time.monotonic() - begun:,.0f} s", file=sys.stderr)


def row(*cells: object) -> str:
    """A row of the table."""
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"


def progress(depth: int, states: int, transitions: int) -> None:
    """Where an exploration is."""
    print(f"depth {depth}: {states:,} states, {transitions:,} transitions", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
