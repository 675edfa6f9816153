"""Random logs for the tests, from a seed or by hypothesis, and the few helpers that read them.

An event is a JSON object here, as a file has it, so that the naive fold and the real one can be given the same. A log
is made without knowing any rule: names, lists and order are random, only the weather (how often nodes fail, devices
are refused, calls come) differs from log to log. Much of it fits, some of it does not.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cti_es.events import EVENT_TYPES, Event, decode_event
from cti_es.homes import homes
from cti_es.replay import Replay

Json = dict[str, Any]

EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None)
"""Every run tries the same examples; `settings(EXAMPLES, derandomize=False)` looks for new ones by hand."""

LOG_EXAMPLES = settings(EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

CORPUS_SEEDS = range(1_000)

# --- random logs ----------------------------------------------------------------------------------------------------

_KINDS = ("cti_port", "cti_port", "route_point", "phone")
_NUMBERS = ("5001", "5002", "5003", "5004")
_LINE_ODDS = 0.6
_WEIGHTS = {
    "node_added": 0.3,
    "device_added": 0.5,
    "device_opened": 2.0,
    "line_opened": 2.0,
    "device_closed": 0.3,
    "line_closed": 0.5,
    "node_failed": 3.0,
    "node_recovered": 6.0,
    "open_refused": 4.0,
    "open_allowed": 2.0,
    "call_started": 3.0,
    "call_ended": 3.0,
}


class LogMaker:
    """Proposes one event after another. It knows the names that it has used and which nodes it has failed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._oddity = random.choice((0.0, 0.02, 0.1))
        self._weights = [weight * random.choice((0.3, 1, 1, 3)) for weight in _WEIGHTS.values()]
        self._apps = random.choice(((None,), (None, "ivr"), ("recorder", None, "app", "ivr")))
        self._times = random.choice((self._no_time, self._next_time, self._any_time))
        self._versions = count(1)
        self._nodes: list[str] = []
        self._failed: list[str] = []
        self._devices: dict[str, tuple[list[str], list[str]]] = {}  # its lines, its group
        self._legs: list[tuple[str, str]] = []

    def events(self, size: int) -> Iterator[Json]:
        """A few nodes and devices first, mostly opened; then anything."""
        opening = ["node_added"] * self._random.randint(1, 3) + ["device_added"] * self._random.randint(1, 3)
        opening += ["device_opened"] * self._random.randint(0, 3)
        for event_type in opening[:size]:
            yield self._event(event_type)
        for _ in range(size - len(opening)):
            yield self._event(self._likely() or self._likely() or "call_started")

    def _likely(self) -> str | None:
        """Any type; mostly none for which nothing is left to fail, to recover or to end."""
        [event_type] = self._random.choices(list(_WEIGHTS), self._weights)
        left = {
            "node_failed": set(self._nodes) - set(self._failed),
            "node_recovered": self._failed,
            "call_ended": self._legs,
        }
        return event_type if left.get(event_type, True) or self._chance(0.1) else None

    def _event(self, event_type: str) -> Json:
        version = next(self._versions)
        fields = {"type": event_type, **getattr(self, "_" + event_type)(), **self._times(version)}
        return {name: value for name, value in fields.items() if value is not None or self._chance(0.05)}

    # What each type says.

    def _node_added(self) -> Json:
        node = self._odd(self._nodes) or f"cm{len(self._nodes) + 1}"
        self._nodes += [node] if node not in self._nodes else []
        return {"node": node}

    def _device_added(self) -> Json:
        device = self._odd(list(self._devices)) or f"D{len(self._devices) + 1}"
        lines = self._some(_NUMBERS, 1 if self._chance(0.9) else 0)
        group = None if self._chance(0.2) else self._some(self._nodes, 2)
        known = self._nodes[:] if group is None else group
        if known and set(known) <= set(self._nodes):
            self._devices.setdefault(device, (lines, known))
        return {"device": device, "kind": self._random.choice(_KINDS), "lines": lines, "group": group}

    def _device_opened(self) -> Json:
        device = self._device()
        lines = None if self._chance(_LINE_ODDS) else self._some(self._lines(device), 0)
        return {"device": device, "app": self._app(), "lines": lines}

    def _line_opened(self) -> Json:
        device = self._device()
        return {"device": device, "line": self._line(device), "app": self._app()}

    def _device_closed(self) -> Json:
        return {"device": self._device(), "app": self._app()}

    _line_closed = _line_opened

    def _node_failed(self) -> Json:
        up = [node for node in self._nodes if node not in self._failed]
        node = self._known(up or self._nodes)
        self._failed += [node]
        return {"node": node}

    def _node_recovered(self) -> Json:
        node = self._known(self._failed or self._nodes)
        self._failed = [name for name in self._failed if name != node]
        return {"node": node}

    def _open_refused(self) -> Json:
        device = self._device()
        _, group = self._devices.get(device, ([], self._nodes))
        line = self._line(device) if self._chance(_LINE_ODDS) else None
        nodes = None if self._chance(0.2) else group[:1] if self._chance(0.3) else self._some(group, 1)
        return {"device": device, "line": line, "nodes": nodes}

    _open_allowed = _open_refused

    def _call_started(self) -> Json:
        call, _ = self._random.choice(self._legs) if self._legs and self._chance(0.3) else (self._new_call(), "")
        device = self._device()
        self._legs += [(call, device)]
        return {"call": call, "device": device, "line": self._line(device) if self._chance(0.3) else None}

    def _call_ended(self) -> Json:
        call, device = self._random.choice(self._legs) if self._legs else ("c0", "D1")
        whole = self._chance(0.4)
        self._legs = [leg for leg in self._legs if leg[0] != call or (not whole and leg[1] != device)]
        return {"call": self._odd(["c0"]) or call, "device": None if whole else self._odd(["D0", "D1"]) or device}

    # Names and lists: known ones mostly, now and then one that does not exist, stands twice or is missing.

    def _chance(self, odds: float) -> bool:
        return self._random.random() < odds

    def _odd(self, names: Sequence[str]) -> str | None:
        return self._random.choice(names) if names and self._chance(self._oddity) else None

    def _known(self, names: Sequence[str]) -> str:
        return self._odd(["nowhere"]) or (self._random.choice(names) if names else "nowhere")

    def _device(self) -> str:
        return self._known(list(self._devices))

    def _lines(self, device: str) -> list[str]:
        return self._devices[device][0] if device in self._devices else []

    def _line(self, device: str) -> str:
        return self._known(self._lines(device))

    def _app(self) -> str | None:
        return self._random.choice(self._apps)

    def _new_call(self) -> str:
        return f"c{self._random.randint(1, 30)}"

    def _some(self, names: Sequence[str], least: int) -> list[str]:
        some = self._random.sample(names, self._random.randint(min(least, len(names)), len(names)))
        odd = self._odd(["nowhere", "cm1", "cm2", "cm3", "twice", "empty"])
        return {None: some, "twice": some * 2, "empty": []}.get(odd, [*some, str(odd)])

    # Times: none at all, one after the other, or any.

    def _no_time(self, version: int) -> Json:
        return {}

    def _next_time(self, version: int) -> Json:
        return {"at": f"2026-01-01T{version // 60 % 24:02}:{version % 60:02}:00Z"}

    def _any_time(self, version: int) -> Json:
        return {"at": None if self._chance(0.3) else f"2026-01-{self._random.randint(1, 28):02}T00:00:00.250000Z"}


def random_log(seed: int, size: int | None = None) -> list[Json]:
    """The log of a seed: the same seed always gives the same one."""
    random = Random(seed)
    return list(LogMaker(random).events(size or random.randint(20, 120)))


@cache
def corpus() -> tuple[list[Json], ...]:
    """The logs that the big loops go through."""
    return tuple(random_log(seed) for seed in CORPUS_SEEDS)


logs = st.builds(
    lambda random, size: list(LogMaker(random).events(size)), st.randoms(use_true_random=False), st.integers(0, 60)
)
"""Random logs that hypothesis can shrink."""

# --- single events --------------------------------------------------------------------------------------------------

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\u202a\u202b\u202c\u202d\u202e"
                  "\u2066\u2067\u2068\u2069"), min_size=1, max_size=128
)  # fmt: skip
"""Anything that may be a name."""

times = (
    st.datetimes()
    .filter(lambda moment: 1970 <= moment.year <= 9998)
    .map(lambda moment: moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z")
)
"""Canonical times."""

_name_lists = st.lists(names, max_size=4)

FIELDS: dict[str, dict[str, Any]] = {
    "node_added": {"node": names},
    "device_added": {
        "device": names,
        "kind": st.sampled_from(["cti_port", "route_point", "phone"]),
        "lines?": _name_lists,
        "group?": _name_lists,
    },
    "device_opened": {"device": names, "app?": names, "lines?": _name_lists},
    "line_opened": {"device": names, "line": names, "app?": names},
    "device_closed": {"device": names, "app?": names},
    "line_closed": {"device": names, "line": names, "app?": names},
    "node_failed": {"node": names},
    "node_recovered": {"node": names},
    "open_refused": {"device": names, "line?": names, "nodes?": _name_lists},
    "open_allowed": {"device": names, "line?": names, "nodes?": _name_lists},
    "call_started": {"call": names, "device": names, "line?": names},
    "call_ended": {"call": names, "device?": names},
}
"""Event type → fields in the order of recovery-rules §2 (``?``: may be left out), each with what it may hold."""

COMMON = {"at?": times, "id?": names}
"""What every event may have, after its own fields."""


@st.composite
def canonical_objects(draw: st.DrawFn, event_type: str | None = None) -> Json:
    """An event of this or any type, its fields in canonical order."""
    event_type = event_type or draw(st.sampled_from(list(FIELDS)))
    found: Json = {"type": event_type}
    for field, values in {**FIELDS[event_type], **COMMON}.items():
        if not field.endswith("?") or draw(st.booleans()):
            found[field.removesuffix("?")] = draw(values)
    return found


def as_json(found: Json) -> bytes:
    """An object as canonical JSON, by Python's own encoder."""
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


# --- reading them ---------------------------------------------------------------------------------------------------


class Folded(NamedTuple):
    """What a log folds to, as plain data: the same three things that the naive fold gives."""

    messages: list[Json]
    homes: list[Json]
    misfits: list[int]


def decoded(log: Sequence[Json]) -> list[Event]:
    """The events of a log as the fold takes them."""
    return [decode_event(json.dumps(event)) for event in log]


def run(events: Sequence[Event], state: bytes | None = None) -> tuple[list[Json], Replay]:
    """The messages of these events as plain data, and the replay that has taken them."""
    replay = Replay(state)
    return msgspec.to_builtins(list(replay.messages(events))), replay


def fold(log: Sequence[Json]) -> Folded:
    """A log through the real fold."""
    messages, replay = run(decoded(log))
    return Folded(messages, placed(replay), [misfit.version for misfit in replay.misfits])


def placed(replay: Replay) -> list[Json]:
    """The homes of a replay as plain data."""
    found: list[Json] = msgspec.to_builtins(list(homes(replay.cluster)))
    return found


assert list(FIELDS) == list(EVENT_TYPES), "the tests and the library disagree about the vocabulary"
