"""How well a comparison finds what went wrong: ``python tests/benchmarks/localisation.py [--seeds N] [--big]``.

Random logs are replayed, faults are put into their messages (``cti_es/testing/faults.py``), and the trace is compared
with the log: with and without names, with and without times. Beside it stand difflib and ``git diff --no-index`` on the
same messages as lines. Seeds other than those in the documentation: ``--first-seed``.
"""

import argparse
import difflib
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.model.replay import Replay
from cti_es.testing.faults import Fault, Faulty, handle_of, with_clear_faults, with_faults
from cti_es.testing.random_logs import Plan, generate
from cti_es.traces.diff.compare import Comparison, DiffOptions, compare
from cti_es.traces.diff.differences import Difference
from cti_es.traces.sides import received
from cti_es.vocabulary.tapi import TraceMessage

PLANS = {
    "31": Plan(events=400, devices=9),
    "436": Plan(events=2_600, devices=170, nodes=6, calls=0.93),
    "4,500": Plan(events=7_000, devices=1_800, nodes=8, calls=0.93),
}
"""Random logs by about how many handles they open."""

BIG = {
    "16,000": Plan(events=19_600, devices=8_500, nodes=8, calls=0.97),
    "40,000": Plan(events=36_000, devices=16_000, nodes=8, calls=0.97),
}
MIXED: tuple[Fault, ...] = ("drop", "duplicate", "swap", "reason")


class Trace(NamedTuple):
    """What came, and which handle of the log each handle of it stands for."""

    messages: list[TraceMessage]
    truth: dict[str | None, object]


def main() -> None:
    """Run and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--big", action="store_true", help="also 16,000 and 40,000 handles")
    parser.add_argument("--handles", default="31,436", help="sizes, or 4500 alone (minutes)")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    chosen = [name for name in PLANS if name.replace(",", "") in options.handles.split(",")]
    print("| handles | lost | times | reported / made | right handle | seconds |\n|---|---|---|---|---|---|")
    for name in chosen:
        for row in losses(name, PLANS[name], seeds):
            print(f"| {' | '.join(row)} |", flush=True)
    print("\n| 1 to 10 mixed faults | compared by | precision | recall | first report right |\n|---|---|---|---|---|")
    for row in mixed(PLANS["31"], range(seeds.start, seeds.start + 10 * len(seeds))):
        print(f"| {' | '.join(row)} |", flush=True)
    if options.big:
        for row in big():
            print(f"| {' | '.join(row)} |", flush=True)


def expected_of(plan: Plan) -> list[TraceMessage]:
    """The messages of a random log, as a comparison expects them."""
    return [received(message) for message in Replay().messages(list(generate(plan)))]


def came(faulty: Faulty[TraceMessage], seed: int, names: bool, times: bool) -> Trace:
    """The faulty messages as a trace: their handles with names, or with other numbers for names."""
    random = Random(seed)
    numbers: dict[object, str] = {}
    found = []
    for place, message in enumerate(faulty.messages, 1):
        one = replace(message, place=place, version=None, rule=None, at=message.at if times else None)
        if not names and message.handle is not None:
            number = numbers.setdefault(handle_of(message), f"{random.getrandbits(48):x}")
            one = replace(one, app=None, device=None, line=None, handle=number)
        elif not names:
            one = replace(one, app=None, device=None, line=None)
        found.append(one)
    return Trace(found, {number: handle for handle, number in numbers.items()})


# --- losses: how many are reported, and the right handles -------------------------------------------------------------


def losses(name: str, plan: Plan, seeds: Iterable[int]) -> Iterable[Sequence[str]]:
    """1, 5 and 10 % of the messages lost, no names: a row for each share, with times and without."""
    logs = {seed: expected_of(plan._replace(seed=seed)) for seed in seeds}
    handles = sum(len({handle_of(one) for one in messages if one.handle}) for messages in logs.values()) // len(logs)
    for share in (1, 5, 10):
        for times in (True, False):
            made = reported = right = total = 0
            took = 0.0
            for seed, messages in logs.items():
                faulty = with_faults(messages, {"drop": max(1, len(messages) * share // 100)}, seed)
                trace = came(faulty, seed, names=False, times=times)
                start = time.process_time()
                found = compare([messages], [trace.messages], DiffOptions(strict=True))
                took += time.process_time() - start
                made, reported = made + len(faulty.done), reported + len(found.differences)
                good, all_ = right_handles(found, messages, trace)
                right, total = right + good, total + all_
            yield (f"{handles:,}", f"{share} %", "yes" if times else "no", f"{reported / made:.3f}",
                   f"{100 * right / total:.1f} %", f"{took / len(logs):.1f}")  # fmt: skip


def right_handles(found: Comparison, messages: Iterable[TraceMessage], trace: Trace) -> tuple[int, int]:
    """How many handles of a trace were taken for the right one, or one that says just the same; and of how many."""
    says: dict[object, list[object]] = {}
    for one in messages:
        says.setdefault(handle_of(one), []).append((one.message, one.param1, one.param2, one.at))
    right = total = 0
    for pair in found.pairs:
        if pair.actual and pair.actual.messages and pair.actual.name.kind != "configuration":
            true = trace.truth[pair.actual.name.handle]
            taken = handle_of(pair.expected.messages[0]) if pair.expected else None
            total += 1
            right += taken == true or says.get(taken) == says[true]
    return right, total


# --- mixed faults: which are reported ----------------------------------------------------------------------------------


def mixed(plan: Plan, seeds: Iterable[int]) -> Iterable[Sequence[str]]:
    """1 to 10 faults of several kinds, with names and without, and what two other programs make of the same.

    Anywhere, so that two of them may together be another one; and where each can be told in one way only.
    """
    for where, make in (("anywhere", with_faults), ("told in one way", with_clear_faults)):
        for name, score in _scores(plan, seeds, make).items():
            yield where, name, *score.row()


def _scores(plan: Plan, seeds: Iterable[int], make: Callable[..., Faulty[TraceMessage]]) -> "dict[str, Score]":
    scores = {name: Score() for name in ("names", "handles only, with times", "difflib", "git diff --no-index")}
    for seed in seeds:
        messages = expected_of(plan._replace(seed=seed))
        random = Random(seed)
        faults = dict.fromkeys(MIXED, 0)
        for _ in range(random.randint(1, 10)):
            faults[random.choice(MIXED)] += 1
        faulty = make(messages, faults, seed)
        for name, names in (("names", True), ("handles only, with times", False)):
            trace = came(faulty, seed, names, times=True)
            found = compare([messages], [trace.messages], DiffOptions(strict=True))
            scores[name].add([place for one in found.differences for place in places_of(one, faulty)], faulty, messages)
        lines = [line_of(one) for one in messages], [line_of(one) for one in faulty.messages]
        scores["difflib"].add(by_difflib(*lines, faulty), faulty, messages)
        scores["git diff --no-index"].add(by_git(*lines, faulty), faulty, messages)
    return scores


def places_of(one: Difference, faulty: Faulty[TraceMessage]) -> list[int]:
    """The messages (from 0) that a difference is about: what moved left a place and came to another."""
    places = [one.expected.place - 1] if one.expected else []
    if one.actual and (one.kind == "moved" or not places):
        places.append(faulty.origins[one.actual.place - 1])
    return places


class Score:
    """Reported faults against those that were made. One that says the same at the same time on its handle is right."""

    def __init__(self) -> None:
        self.reported = self.made = self.right = self.found = self.firsts = self.runs = 0

    def add(self, places: list[int], faulty: Faulty[TraceMessage], messages: Sequence[TraceMessage]) -> None:
        """Count the places reported for one trace, first the first report."""
        name_of = known_by(messages)
        names = [[name_of[one.number]] + ([name_of[one.other]] if one.other is not None else []) for one in faulty.done]
        true = {name for some in names for name in some}
        told = [name_of[place] for place in places]
        self.reported += len(told)
        self.right += sum(1 for name in told if name in true)
        self.made += len(names)
        self.found += sum(1 for some in names if set(some) & set(told))
        self.firsts += bool(told) and told[0] in true
        self.runs += 1

    def row(self) -> Sequence[str]:
        """Precision, recall, and how often the first report was right."""
        return (f"{self.right / max(1, self.reported):.3f}", f"{self.found / self.made:.3f}",
                f"{100 * self.firsts / self.runs:.0f} %")  # fmt: skip


def known_by(messages: Sequence[TraceMessage]) -> list[object]:
    """What each message can be told from others by: what it says and when, and all that its handle is told."""
    told: dict[object, list[object]] = {}
    says = [(one.message, one.param1, one.param2, one.at) for one in messages]
    for one, said in zip(messages, says, strict=True):
        told.setdefault(handle_of(one), []).append(said)
    return [(said, tuple(told[handle_of(one)])) for one, said in zip(messages, says, strict=True)]


def line_of(message: TraceMessage) -> str:
    """A message as a line of text, as both traces have it."""
    return " ".join(map(str, (*handle_of(message), message.param1, message.param2, message.at)))  # type: ignore[misc]


def by_difflib(expected: list[str], actual: list[str], faulty: Faulty[TraceMessage]) -> list[int]:
    """What difflib reports, as it comes."""
    found = []
    for kind, left, left_end, right, right_end in difflib.SequenceMatcher(None, expected, actual).get_opcodes():
        if kind != "equal":
            found += range(left, left_end) or [faulty.origins[place] for place in range(right, right_end)]
    return found


def by_git(expected: list[str], actual: list[str], faulty: Faulty[TraceMessage]) -> list[int]:
    """What ``git diff --no-index`` reports."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("expected", "actual")]
        for file, lines in zip(files, (expected, actual), strict=True):
            file.write_text("".join(f"{line}\n" for line in lines))
        command = ["git", "diff", "--no-index", "--unified=0", *map(str, files)]
        text = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    found: list[int] = []
    for left, count, right, came_ in re.findall(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", text, re.M):
        lost = range(int(left) - 1, int(left) - 1 + int(count or 1))
        found += lost or [faulty.origins[place] for place in range(int(right) - 1, int(right) - 1 + int(came_ or 1))]
    return found


# --- many handles ------------------------------------------------------------------------------------------------------


def big() -> Iterable[Sequence[str]]:
    """16,000 handles of which 1 % of the messages are lost, and 40,000 untouched; processor time of the comparison."""
    for (name, plan), share in zip(BIG.items(), (1, 0), strict=True):
        messages = expected_of(plan)
        faulty = with_faults(messages, {"drop": len(messages) * share // 100}, 1)
        trace = came(faulty, 1, names=False, times=True)
        start = time.process_time()
        found = compare([messages], [trace.messages], DiffOptions(strict=True))
        took = time.process_time() - start
        handles = len({handle_of(one) for one in messages if one.handle})
        yield (f"{name} ({handles:,} handles, {len(messages):,} messages)", f"{len(faulty.done):,} lost",
               f"{len(found.differences):,} reported", f"{took:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
