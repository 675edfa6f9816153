"""Flip single bits of a store's file: whatever changes what a reader sees must be reported by verify.

python tests/campaigns/flips.py --rounds 10000 --seed 1
"""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.running import QUICK_READERS, Ran, Report, make_store, run, script, seen, trouble

LOGS = ("main", "lab", "Köln")


def flipped(data: bytes, position: int, bit: int) -> bytes:
    """A file with one bit the other way round."""
    return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


def _seen(path: Path, is_quick: bool) -> list[Ran]:
    if is_quick:
        return [*seen(path, LOGS[:1], QUICK_READERS), *seen(path, LOGS[1:], QUICK_READERS[:1])]
    return seen(path, LOGS)


def shown(runs: list[Ran]) -> list[tuple[int, bytes]]:
    """Exit code and output of each run: all that a reader goes by."""
    return [(one.code, one.out) for one in runs]


def campaign(folder: Path, rounds: int, seed: int, is_quick: bool = False) -> Report:
    """Flip bits of a store and count what comes of it.

    ``is_quick`` reads only where verify finds nothing, where a difference would be a failure, and with few commands. Half of
    the bits are anywhere in the file, half in bytes that are not zero: most of a small file is empty.
    """
    whole = make_store(folder / "whole.db").read_bytes()
    used = [position for position, byte in enumerate(whole) if byte]
    path = folder / "store.db"
    path.write_bytes(whole)
    truth, chance, report = shown(_seen(path, is_quick)), random.Random(seed), Report()
    assert run("verify", str(path)).code == 0
    for number in range(rounds):
        position, bit = chance.choice(used) if number % 2 else chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(flipped(whole, position, bit))
        what, failure = _one(path, truth, is_quick)
        report.count(what, failure and f"bit {bit} of byte {position}: {failure}")
    return report


def _one(path: Path, truth: list[tuple[int, bytes]], is_quick: bool) -> tuple[str, str | None]:
    """What a flip came to, and what is wrong with that."""
    verdict = run("verify", str(path))
    if verdict.code and is_quick:
        return f"verify reports it (exit {verdict.code})", trouble(verdict)
    readers = _seen(path, is_quick)
    wrong = next((text for one in [verdict, *readers] if (text := trouble(one))), None)
    changed = shown(readers) != truth
    if changed and not verdict.code:
        wrong = "verify finds nothing, but a reader sees something else"
    said = {0: "finds nothing", 1: "names a fault", 2: "cannot open the store"}[verdict.code]
    return f"verify {said} (exit {verdict.code}), readers see {'a' if changed else 'no'} difference", wrong


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 10_000, lambda rounds, seed: campaign(Path(here), rounds, seed))
