"""Random logs for the tests, from a seed or by hypothesis, and the few helpers that read them.

An event is a JSON object here, as a file has it, so that the naive fold and the real one can be given the same. A log
is made without knowing any rule: names, lists and order are random, only the weather (how often nodes fail, devices
are refused, calls come) differs from log to log. Much of it fits, some of it does not. Some logs are plain: they have
nothing of docs/reference/tsp.md.
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

from cti_es.model.homes import homes
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import EVENT_TYPES, Event, decode_event

Json = dict[str, Any]

EXAMPLES = settings(deadline=None, derandomize=True, database=None)
"""As many examples as the profile says (tests/conftest.py), and the same ones in every run."""

LOG_EXAMPLES = settings(EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


# --- random logs ----------------------------------------------------------------------------------------------------

_KINDS = ("cti_port", "cti_port", "route_point", "phone")
_NUMBERS = ("5001", "5002", "5003", "5004")
_LINE_ODDS = 0.6
_PLAIN_ODDS = 0.25
_PHONE_STATES = ("SUSPEND", "RESUME")
_LINE_STATES = ("INSERVICE", "OUTOFSERVICE")
_REASONS = ("DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus")
_EXT_VERSIONS = (0, 0x000A0000, 0x000AFFFF, 0x000B0000, 0x000D0000, 0x80000000, 0x800A0000, 0x800B0000, 0xFFFFFFFF)
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
_TSP_WEIGHTS = {
    "cti_manager_added": 0.3,
    "cti_manager_failed": 2.0,
    "cti_manager_recovered": 2.0,
    "provider_opened": 0.7,
    "provider_closed": 0.3,
    "status_messages_set": 1.0,
    "device_failed": 1.5,
    "device_recovered": 2.0,
    "device_removed": 0.4,
    "call_connected": 1.0,
    "behaviour_set": 1.2,
    "provider_link_lost": 0.8,
    "provider_linked": 1.0,
    "lines_changed": 1.0,
    "control_withdrawn": 0.6,
    "control_granted": 0.6,
}


class LogMaker:
    """Proposes one event after another. It knows the names that it has used and what it has failed, opened, removed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._oddity = random.choice((0.0, 0.02, 0.1))
        self._plain = self._chance(_PLAIN_ODDS)
        weights = _WEIGHTS if self._plain else _WEIGHTS | _TSP_WEIGHTS
        self._weights = {name: weight * random.choice((0.3, 1, 1, 3)) for name, weight in weights.items()}
        self._apps = random.choice(((None,), (None, "ivr"), ("recorder", None, "app", "ivr")))
        self._times = random.choice((self._no_time, self._next_time, self._any_time))
        self._versions = count(1)
        self._nodes: list[str] = []
        self._failed: list[str] = []
        self._devices: dict[str, tuple[list[str], list[str]]] = {}  # its lines, its group
        self._legs: list[tuple[str, str]] = []
        self._names = count(1)
        self._removed: list[str] = []
        self._away: list[str] = []
        self._managers: dict[str, bool] = {}  # in service
        self._providers: list[str] = []
        self._lists: dict[str, list[str]] = {}  # application → its CTI Managers
        self._withdrawn: list[tuple[str, str]] = []  # application, device
        self._opened: list[tuple[str | None, str, str | None]] = []  # application, device, line

    def events(self, size: int) -> Iterator[Json]:
        """A few nodes and devices first, mostly opened, in some logs with CTI Managers and providers; then anything."""
        opening = ["node_added"] * self._random.randint(1, 3)
        site = ["device_added"] * self._random.randint(1, 3)
        if not self._plain and self._chance(0.8):
            opening += ["cti_manager_added"] * self._random.randint(1, len(opening))
            site += ["provider_opened"] * self._random.randint(1, len(self._apps))
            site += ["behaviour_set"] * self._random.randint(0, 1)
            self._random.shuffle(site)
        opening += site + ["device_opened"] * self._random.randint(0, 3)
        for event_type in opening[:size]:
            yield self._event(event_type)
        for _ in range(size - len(opening)):
            yield self._event(self._likely() or self._likely() or "call_started")

    def _likely(self) -> str | None:
        """Any type; mostly none for which nothing is left to fail, to recover, to end or to take away."""
        [event_type] = self._random.choices(list(self._weights), list(self._weights.values()))
        left = {
            "node_failed": set(self._nodes) - set(self._failed),
            "node_recovered": self._failed,
            "call_ended": self._legs,
            "cti_manager_added": set(self._nodes) - set(self._managers),
            "cti_manager_failed": self._managers_that_are(True),
            "cti_manager_recovered": self._managers_that_are(False),
            "provider_opened": self._without_provider(),
            "provider_closed": self._providers,
            "provider_link_lost": self._providers,
            "provider_linked": self._providers,
            "control_withdrawn": self._providers,
            "control_granted": self._withdrawn,
            "device_failed": set(self._devices) - set(self._away),
            "device_recovered": self._away,
            "device_removed": len(self._devices) > 1,
            "call_connected": self._legs,
            "status_messages_set": self._opened,
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
        device = self._odd(list(self._devices)) or self._once_more() or f"D{next(self._names)}"
        lines = self._some(_NUMBERS, 1 if self._chance(0.9) else 0)
        group = None if self._chance(0.2) else self._some(self._nodes, 2)
        known = self._nodes[:] if group is None else group
        if known and set(known) <= set(self._nodes):
            self._devices.setdefault(device, (lines, known))
        return {"device": device, "kind": self._random.choice(_KINDS), "lines": lines, "group": group}

    def _device_opened(self) -> Json:
        device = self._device()
        lines = None if self._chance(_LINE_ODDS) else self._some(self._lines(device), 0)
        app = self._app()
        numbers = self._lines(device) if lines is None else lines
        self._opened += [(app, device, line) for line in (None, *numbers)]
        return {"device": device, "app": app, "lines": lines, "ext_version": self._ext_version()}

    def _line_opened(self) -> Json:
        device = self._device()
        line, app = self._line(device), self._app()
        self._opened += [(app, device, line)]
        return {"device": device, "line": line, "app": app, "ext_version": self._ext_version()}

    def _device_closed(self) -> Json:
        return {"device": self._device(), "app": self._app()}

    def _line_closed(self) -> Json:
        device = self._device()
        return {"device": device, "line": self._line(device), "app": self._app()}

    def _node_failed(self) -> Json:
        up = [node for node in self._nodes if node not in self._failed]
        node, scope = self._known(up or self._nodes), self._scope()
        self._failed += [node]
        self._with_its_manager(node, scope, False)
        return {"node": node, "scope": scope}

    def _node_recovered(self) -> Json:
        node, scope = self._known(self._failed or self._nodes), self._scope()
        self._failed = [name for name in self._failed if name != node]
        self._with_its_manager(node, scope, True)
        return {"node": node, "scope": scope}

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

    def _call_connected(self) -> Json:
        call, device = self._random.choice(self._legs) if self._legs else ("c0", "D1")
        whole = self._chance(0.4)
        return {"call": self._odd(["c0"]) or call, "device": None if whole else self._odd(["D0", "D1"]) or device}

    def _cti_manager_added(self) -> Json:
        node = self._known([node for node in self._nodes if node not in self._managers] or self._nodes)
        if node in self._nodes:
            self._managers.setdefault(node, True)
        return {"node": node}

    def _cti_manager_failed(self) -> Json:
        node = self._known(self._managers_that_are(True) or self._nodes)
        self._with_its_manager(node, None, False)
        return {"node": node}

    def _cti_manager_recovered(self) -> Json:
        node = self._known(self._managers_that_are(False) or self._nodes)
        self._with_its_manager(node, None, True)
        return {"node": node}

    def _provider_opened(self) -> Json:
        app = self._random.choice(self._without_provider() or [self._app() or "app"])
        managers = self._some(list(self._managers), 1)
        if len(self._managers) > 3 and self._chance(0.3):
            managers = list(self._managers)
        if app not in self._providers and 1 <= len(managers) <= 3:
            self._providers += [app]
            self._lists[app] = managers
        return {"app": app, "cti_managers": managers}

    def _provider_closed(self) -> Json:
        app = self._known(self._providers or ["app"])
        self._providers = [name for name in self._providers if name != app]
        return {"app": app}

    def _provider_link_lost(self) -> Json:
        app = self._known(self._providers or ["app"])
        return {"app": app, "node": self._known(self._lists.get(app, self._nodes)) if self._chance(0.3) else None}

    def _provider_linked(self) -> Json:
        app = self._known(self._providers or ["app"])
        return {"app": app, "node": self._known(self._lists.get(app, self._nodes))}

    def _control_withdrawn(self) -> Json:
        app, device = self._known(self._providers or ["app"]), self._device()
        self._withdrawn += [(app, device)]
        return {"app": app, "device": device}

    def _control_granted(self) -> Json:
        app, device = self._random.choice(self._withdrawn or [("app", self._device())])
        self._withdrawn = [one for one in self._withdrawn if one != (app, device)]
        return {"app": app, "device": device}

    def _lines_changed(self) -> Json:
        device = self._device()
        lines = self._lines(device)
        new = [number for number in _NUMBERS if number not in lines]
        added, removed = self._some(new, 0), self._some(lines, 0)
        if device in self._devices and set(removed) <= set(lines) and not set(added) & set(lines):
            left = [line for line in lines if line not in removed]
            self._devices[device] = left + added, self._devices[device][1]
        fields = {"added": added, "removed": removed}
        return {"device": device} | {name: some or self._random.choice((None, some)) for name, some in fields.items()}

    def _status_messages_set(self) -> Json:
        app, device, line = self._random.choice(self._opened) if self._opened else (None, "D1", None)
        if self._chance(0.2):
            app, device = self._app(), self._device()
            line = self._line(device) if self._chance(_LINE_ODDS) else None
        kinds = (_PHONE_STATES, _LINE_STATES) if line is None else (_LINE_STATES, _PHONE_STATES)
        states = self._some(kinds[1 if self._odd(["other"]) else 0], 0)
        return {"app": app, "device": device, "line": line, "states": states}

    def _device_failed(self) -> Json:
        device = self._known([name for name in self._devices if name not in self._away] or list(self._devices))
        self._away += [device] if device in self._devices and device not in self._away else []
        return {"device": device, "reason": None if self._chance(0.4) else self._random.choice(_REASONS)}

    def _device_recovered(self) -> Json:
        device = self._known(self._away or list(self._devices))
        self._away = [name for name in self._away if name != device]
        return {"device": device}

    def _device_removed(self) -> Json:
        device = self._device()
        if self._devices.pop(device, None):
            self._removed += [device]
            self._away = [name for name in self._away if name != device]
            self._legs = [leg for leg in self._legs if leg[1] != device]
            self._opened = [handle for handle in self._opened if handle[1] != device]
        return {"device": device}

    def _behaviour_set(self) -> Json:
        names = ("announce_open", "phones_wait_for_calls", "drop_calls_in_setup")
        return {name: self._random.choice((None, True, True, False)) for name in names}

    # What new fields hold, and what there is.

    def _scope(self) -> str | None:
        return None if self._plain or self._chance(0.4) else self._random.choice(("node", "call_manager"))

    def _ext_version(self) -> int | None:
        return None if self._plain or self._chance(0.6) else self._random.choice(_EXT_VERSIONS)

    def _managers_that_are(self, up: bool) -> list[str]:
        return [node for node, in_service in self._managers.items() if in_service == up]

    def _with_its_manager(self, node: str, scope: str | None, up: bool) -> None:
        if node in self._managers and scope != "call_manager":
            self._managers[node] = up

    def _without_provider(self) -> list[str]:
        return [app or "app" for app in self._apps if (app or "app") not in self._providers]

    def _once_more(self) -> str | None:
        return self._removed.pop() if self._removed and self._chance(0.5) else None

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
    return list(LogMaker(random).events(random.randint(20, 120) if size is None else size))


@cache
def whole_corpus() -> tuple[list[Json], ...]:
    """A thousand logs, which together come everywhere."""
    return tuple(random_log(seed) for seed in range(1_000))


@cache
def corpus() -> tuple[list[Json], ...]:
    """The first of them, which the big loops go through: five for each example that the profile asks for."""
    return tuple(random_log(seed) for seed in range(5 * EXAMPLES.max_examples))


logs = st.builds(random_log, st.integers(0, 0xFFFFFFFF), st.integers(0, 60))
"""Random logs. Hypothesis draws a seed and a length only, which is fast, and shrinks the length."""

# --- single events --------------------------------------------------------------------------------------------------

_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" + "".join(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Cn"], exclude_characters=_UNSEEN),
    min_size=1, max_size=128,
).filter(lambda name: name != "?")  # fmt: skip
"""Anything that may be a name, but for the invisible characters that are good in some places."""

times = (
    st.datetimes()
    .filter(lambda moment: 1970 <= moment.year <= 9998)
    .map(lambda moment: moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z")
)
"""Canonical times."""

_name_lists = st.lists(names, max_size=4)
_scopes = st.sampled_from(["node", "call_manager"])
_ext_versions = st.integers(0, 0xFFFFFFFF)
_states = st.lists(st.sampled_from(_PHONE_STATES + _LINE_STATES) | names, max_size=4)

FIELDS: dict[str, dict[str, Any]] = {
    "node_added": {"node": names},
    "device_added": {
        "device": names,
        "kind": st.sampled_from(["cti_port", "route_point", "phone"]),
        "lines?": _name_lists,
        "group?": _name_lists,
    },
    "device_opened": {"device": names, "app?": names, "lines?": _name_lists, "ext_version?": _ext_versions},
    "line_opened": {"device": names, "line": names, "app?": names, "ext_version?": _ext_versions},
    "device_closed": {"device": names, "app?": names},
    "line_closed": {"device": names, "line": names, "app?": names},
    "node_failed": {"node": names, "scope?": _scopes},
    "node_recovered": {"node": names, "scope?": _scopes},
    "open_refused": {"device": names, "line?": names, "nodes?": _name_lists},
    "open_allowed": {"device": names, "line?": names, "nodes?": _name_lists},
    "call_started": {"call": names, "device": names, "line?": names},
    "call_ended": {"call": names, "device?": names},
    "cti_manager_added": {"node": names},
    "cti_manager_failed": {"node": names},
    "cti_manager_recovered": {"node": names},
    "provider_opened": {"app": names, "cti_managers": _name_lists},
    "provider_closed": {"app": names},
    "provider_link_lost": {"app": names, "node?": names},
    "provider_linked": {"app": names, "node": names},
    "status_messages_set": {"app?": names, "device": names, "line?": names, "states": _states},
    "device_failed": {"device": names, "reason?": st.sampled_from(_REASONS)},
    "device_recovered": {"device": names},
    "device_removed": {"device": names},
    "lines_changed": {"device": names, "added?": _name_lists, "removed?": _name_lists},
    "control_withdrawn": {"app": names, "device": names},
    "control_granted": {"app": names, "device": names},
    "call_connected": {"call": names, "device?": names},
    "behaviour_set": {
        "announce_open?": st.booleans(),
        "phones_wait_for_calls?": st.booleans(),
        "drop_calls_in_setup?": st.booleans(),
    },
}
"""Event type → fields in the order of docs/reference/log-format.md#event-types (``?``: may be left out), each with what it may hold."""

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


def dense(message: Json) -> str:
    """A message in few characters: application, device, line, what is said."""
    name = (message["param1_name"] or message["message"]).rpartition("_")[2]
    reason = f"({message['param2']})" if message["param2_name"] else ""
    return f"{message['app']} {message['device']}{'/' + message['line'] if message['line'] else ''} {name}{reason}"


def fold(log: Sequence[Json]) -> Folded:
    """A log through the real fold."""
    messages, replay = run(decoded(log))
    return Folded(messages, placed(replay), [misfit.version for misfit in replay.misfits])


def placed(replay: Replay) -> list[Json]:
    """The homes of a replay as plain data."""
    found: list[Json] = msgspec.to_builtins(list(homes(replay.cluster)))
    return found


assert list(FIELDS) == list(EVENT_TYPES), "the tests and the library disagree about the vocabulary"
