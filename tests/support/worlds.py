"""Small worlds: every sequence of inputs to a small cluster, and what must hold after each of them.

A world is a cluster to begin with and a list of *inputs*, events that may come at any moment, whether they fit or
not. :func:`explore` goes breadth-first through all sequences of inputs up to a depth. States that cannot be told apart
by what happens next are merged: two states are one if ``Replay.encoded()`` gives the same bytes after the versions of
handles have been replaced by their rank and what only counts or explains has been left out (:func:`normalised`).
Where no new state is found any more the world is *complete*: what was checked then holds for sequences of any length.

Every transition is checked (:func:`check_step`), every state too (:func:`check_state`), and from every state two fixed
drains must lead home (:func:`check_drained`). The checks look at messages, homes and the encoded state; they share no
code with the fold. What does not hold is a :class:`Broken`, with the shortest log that shows it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from support import naive
from support.strategies import Json, decoded, placed, run

from cti_es.model.book import Handle
from cti_es.model.cluster import Cluster, Device
from cti_es.model.replay import Replay, State
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import Message

Name = tuple[str, str, str | None]
"""What a handle is for: application, device, line (None: the phone device)."""

DEFAULT = "app"
STATES = {"PHONE_STATE", "LINE_LINEDEVSTATE"}
CLOSES = {"PHONE_CLOSE", "LINE_CLOSE"}
CONFIGURATION = {"PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE"}
SAYS = {
    "PHONESTATE_RESUME": "in",
    "LINEDEVSTATE_INSERVICE": "in",
    "PHONESTATE_SUSPEND": "out",
    "LINEDEVSTATE_OUTOFSERVICE": "out",
}
WANTED_AS = {
    "PHONESTATE_RESUME": "RESUME",
    "LINEDEVSTATE_INSERVICE": "INSERVICE",
    "PHONESTATE_SUSPEND": "SUSPEND",
    "LINEDEVSTATE_OUTOFSERVICE": "OUTOFSERVICE",
}


class World(NamedTuple):
    """A small cluster: the events that make it, what may happen to it, and how far the tests and the campaign look."""

    setup: list[Json]
    inputs: list[Json]
    depth: int
    deep: int


class Seen(NamedTuple):
    """What an exploration has seen: depth reached, states, transitions (of which misfits), and steps of drains.

    ``complete``: there is no state beyond. ``naive`` counts the states whose whole log went through the naive fold.
    """

    depth: int
    states: int
    transitions: int
    misfits: int
    drained: int
    naive: int
    complete: bool


class Broken(Exception):
    """Something does not hold; ``log`` is the shortest log that shows it."""

    def __init__(self, what: str, log: list[Json]) -> None:
        super().__init__(what)
        self.what = what
        self.log = log

    def ndjson(self) -> str:
        """The log as a file has it; ``cti-es replay`` reads it."""
        return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in self.log)


class Wrong(Exception):
    """What does not hold, before anybody knows how it was reached."""


def need(holds: bool, what: str) -> None:
    """That it holds."""
    if not holds:
        raise Wrong(what)


# --- exploring ------------------------------------------------------------------------------------------------------


def explore(
    world: World,
    depth: int,
    every: int = 0,
    progress: Callable[[int, int, int], None] | None = None,
    most: int | None = None,
) -> Seen:
    """All sequences of up to ``depth`` inputs. Raises :class:`Broken` for the first that does what it must not.

    ``every``: the whole log of every so-manieth state goes through the naive fold, too (0: of none). ``most``: from so
    many states on, no further level is begun.
    """
    inputs = decoded(world.inputs)
    start = walk(world.setup)
    came: dict[bytes, tuple[bytes, int]] = {_key(start): (b"", -1)}
    frontier, transitions, misfits, drained, compared, level = [start], 0, 0, 0, 0, 0
    while frontier and level < depth and (most is None or len(came) < most):
        level += 1
        following: list[bytes] = []
        for state in frontier:
            before = Glance(Replay(state))
            for index, event in enumerate(inputs):
                try:
                    after, misfit = step(state, before, event)
                except Wrong as wrong:
                    raise Broken(str(wrong), _path(world, came, state, index)) from None
                transitions += 1
                misfits += misfit
                key = _key(after)
                if key in came:
                    continue
                came[key] = (_key(state), index)
                following.append(after)
                for order in DRAINS:
                    drained += _drain(world, came, after, order)
                if every and len(came) % every == 0:
                    compare(_path(world, came, after))
                    compared += 1
        frontier = following
        if progress:
            progress(level, len(came), transitions)
    return Seen(level, len(came), transitions, misfits, drained, compared, not frontier)


def walk(events: list[Json]) -> bytes:
    """The state after a log, every step of which is checked. Raises :class:`Broken`."""
    state = normalised(Replay())
    for number, event in enumerate(decoded(events), 1):
        try:
            state, _ = step(state, Glance(Replay(state)), event)
        except Wrong as wrong:
            raise Broken(str(wrong), events[:number]) from None
    return state


def step(state: bytes, before: "Glance", event: Event) -> tuple[bytes, bool]:
    """The state after one more event, and whether that was a misfit. Raises :class:`Wrong`."""
    replay = Replay(state)
    messages = list(replay.messages([event]))
    check_step(before, event, messages, replay)
    check_state(replay)
    if isinstance(event, (events.CallStarted, events.CallConnected, events.CallEnded)):
        _check_no_shortcut(state, event, messages, replay)
    misfit = bool(replay.misfits)
    after = normalised(replay)
    need(not misfit or (after == state and not messages), "a misfit that changes something or is told to somebody")
    return after, misfit


def _check_no_shortcut(state: bytes, event: Event, messages: list[Message], replay: Replay) -> None:
    """Calls are taken in bulk where nothing follows from them: one by one they come to the same."""
    slow = Replay(state)
    slow._recovery.ordinary_calls = lambda events: next(events, None)  # type: ignore[method-assign]
    need(list(slow.messages([event])) == messages, "a call taken in bulk sends something else than one by one")
    need(slow.encoded() == replay.encoded(), "a call taken in bulk comes to another state than one by one")


def normalised(replay: Replay) -> bytes:
    """The state of a replay with versions as ranks and without what only counts or explains. The replay is spent."""
    cluster, book = replay.cluster, replay.book
    for number, device in enumerate(cluster.devices.values()):
        device.number, device.since, device.because = number, 0, "added"
        for line in device.lines.values():
            line.number = 0
    cluster.devices_added, cluster.lines_added = len(cluster.devices), 0
    handles = [handle for *_, handle in book.handles()]
    waiting = [one for provider in book.providers.values() for one in provider.queue]
    versions = {handle.version for handle in handles} | {one.handle for one in waiting if one.handle is not None}
    ranks = {version: rank for rank, version in enumerate(sorted(versions), 1)}
    for handle in handles:
        handle.version = ranks[handle.version]
    for provider in book.providers.values():
        provider.since, provider.withdrawn = 0, dict.fromkeys(provider.withdrawn, 0)
        provider.queue = [
            msgspec.structs.replace(one, signal=one.signal._replace(param1=0))
            if one.handle is None
            else msgspec.structs.replace(one, handle=ranks[one.handle])
            for one in provider.queue
        ]
    return msgspec.json.encode(State(len(ranks), 0, cluster, book))


def _key(state: bytes) -> bytes:
    return blake2b(state, digest_size=16).digest()


def _path(world: World, came: dict[bytes, tuple[bytes, int]], state: bytes, *more: int) -> list[Json]:
    """The log that leads to a state, and on by these inputs."""
    found = list(more)
    key, index = came[_key(state)]
    while index >= 0:
        found.insert(0, index)
        key, index = came[key]
    return [*world.setup, *(world.inputs[index] for index in found)]


def compare(events: list[Json]) -> None:
    """The naive fold agrees on a whole log."""
    messages, replay = run(decoded(events))
    expected = naive.fold(events)
    found = (messages, placed(replay), [one.version for one in replay.misfits])
    if found != (expected.messages, expected.homes, expected.misfits):
        raise Broken("the naive fold says something else", events)


# --- what must hold -------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What is known of a handle: its version, what was last told, which state messages are wanted (None: all)."""

    version: int
    told: str
    wants: tuple[str, ...] | None


class Glance:
    """What the checks need to know of the state before an event; the replay may go on behind it."""

    def __init__(self, replay: Replay) -> None:
        self.handles = known_handles(replay)
        self.queued = queued_closes(replay)
        self.linked = {app: provider.link for app, provider in replay.book.providers.items()}
        self.homes = {device.name: device.home for device in replay.cluster.devices.values()}


def known_handles(replay: Replay) -> dict[Name, Known]:
    """Every handle in the TSP's book."""

    def known(handle: Handle) -> Known:
        return Known(handle.version, handle.told, handle.wants)

    return {(app, device, line): known(handle) for device, app, line, handle in replay.book.handles()}


def queued_closes(replay: Replay) -> list[tuple[Name, int]]:
    """The handles that are gone and whose applications cannot be told yet."""
    return [
        ((app, one.device, one.line), one.handle)
        for app, provider in replay.book.providers.items()
        for one in provider.queue
        if one.handle is not None
    ]


def check_step(before: Glance, event: Event, messages: list[Message], replay: Replay) -> None:
    """What the messages of one event may say, after what was told before; and who may move."""
    said = dict(before.handles)
    queued = list(before.queued)
    gone: set[Name] = set()
    for message in messages:
        name: Name = (message.app, message.device, message.line)
        if message.handle is None:
            need(message.message in CONFIGURATION, f"{message.message} without a handle")
            continue
        need(message.message in STATES | CLOSES, f"{message.message} for a handle")
        if (name, message.handle) in queued:
            need(message.message in CLOSES, f"{message.message} after the handle was closed")
            queued.remove((name, message.handle))
            continue
        if name not in said and name not in gone and _opens(event, name) and message.handle == replay.version:
            said[name] = Known(replay.version, "in", None)
        need(name in said and said[name].version == message.handle, f"{message.message} for no handle of {name}")
        if message.message in CLOSES:
            del said[name]
            gone.add(name)
        else:
            said[name] = _said(said[name], message)
    _check_handles(before, event, said, gone, replay)
    _check_moves(before, event, messages, replay)
    for app, link in before.linked.items():
        provider = replay.book.providers.get(app)
        if link is None and provider and provider.link is None:
            need(all(message.app != app for message in messages), f"{app} is told something without a link")


def _opens(event: Event, name: Name) -> bool:
    """Whether an event may have opened this."""
    app, device, line = name
    if isinstance(event, events.LineOpened):
        return ((event.app or DEFAULT), event.device, event.line) == name
    if not isinstance(event, events.DeviceOpened) or (event.app or DEFAULT, event.device) != (app, device):
        return False
    return line is None or event.lines is None or line in event.lines


def _said(handle: Known, message: Message) -> Known:
    """The handle after a state message: news, and wanted. What opening announces may be known."""
    state = message.param1_name or ""
    if not message.rule.endswith("/announce"):
        need(handle.wants is None or WANTED_AS[state] in handle.wants, f"{state} is not wanted")
        need(handle.wants is not None or handle.told != SAYS[state], f"{state} twice for one handle")
    return handle._replace(told=SAYS[state])


def _check_handles(before: Glance, event: Event, said: dict[Name, Known], gone: set[Name], replay: Replay) -> None:
    """The book knows what was told; nobody loses a handle in silence; both books know the same handles."""
    after = known_handles(replay)
    for name, handle in after.items():
        if name in said and said[name].version == handle.version:
            need(handle.wants is not None or said[name].told == handle.told, f"{name} was not told {handle.told}")
        else:
            opened = name not in said and name not in gone and _opens(event, name)
            need(opened, f"a handle of {name} from nowhere")
            need(handle == Known(replay.version, "in", None), f"{name} was not told that it is out")
    if isinstance(event, (events.DeviceOpened, events.LineOpened)) and not replay.misfits:
        for line in (None, *replay.cluster.devices[event.device].lines):
            name = (event.app or DEFAULT, event.device, line)
            if _opens(event, name) and name not in before.handles:
                need(name in after or name in gone, f"{name} was opened, is not open and was not told")
    closes = (events.DeviceClosed, events.LineClosed, events.ProviderClosed)
    told_later = queued_closes(replay)
    for name, handle in before.handles.items():
        if name not in after and name not in gone and (name, handle.version) not in told_later:
            by_itself = isinstance(event, closes) and (event.app or DEFAULT) == name[0]
            need(by_itself, f"{name} has lost its handle and was not told")
    book = Counter((name, line) for _, name, line in after)
    counted = {
        (device.name, line): handles
        for device in replay.cluster.devices.values()
        for line, handles in _handles_counted(device)
        if handles
    }
    need(counted == book, "the cluster and the TSP's book disagree about how many handles there are")
    holders = {(name, app) for app, name, _ in after}
    need({(name, app) for app, names in replay.book.devices.items() for name in names} == holders, "who holds what")


def _handles_counted(device: Device) -> Iterator[tuple[str | None, int]]:
    """How many handles there are on a device itself and on each of its lines, as the cluster counts them."""
    yield None, device.handles - sum(line.handles for line in device.lines.values())
    yield from ((number, line.handles) for number, line in device.lines.items())


def _check_moves(before: Glance, event: Event, messages: list[Message], replay: Replay) -> None:
    """Nothing is re-homed while a call is active on it: neither by what is told nor by where it is."""
    devices = replay.cluster.devices
    for message in messages:
        if message.param2_name == "ReHomeToHigherPriorityCM":
            need(devices[message.device].calls == 0, f"{message.device} is re-homed while a call is active")
    for name, device in devices.items():
        home = before.homes.get(name)
        if home is not None and device.home not in (None, home) and device.calls:
            failed = isinstance(event, events.NodeFailed) and event.node == home
            need(failed, f"{name} has moved from {home} to {device.home} while a call is active")


def check_state(replay: Replay) -> None:
    """What holds in every state."""
    cluster = replay.cluster
    legs: dict[str, set[str]] = {}
    for call, devices in cluster.calls.items():
        for name in devices:
            legs.setdefault(name, set()).add(call)
    need(all(cluster.calls.values()), "a call without a leg")
    for device in cluster.devices.values():
        need(set(device.legs) == legs.get(device.name, set()), f"{device.name}: its calls")
        _check_device(cluster, device)
    for (app, name, line), handle in known_handles(replay).items():
        device = cluster.devices[name]
        served = device.state == "in_service" if line is None else device.lines[line].in_service
        provider = replay.book.providers.get(app)
        if provider is None or provider.link:
            need(handle.told == ("in" if served else "out"), f"{(app, name, line)} was told what is not so")
        else:
            need(handle.told == "out", f"{(app, name, line)} was told `in` and has no link")
    for app, provider in replay.book.providers.items():
        reachable = any(cluster.cti_managers[node] for node in provider.cti_managers)
        wants = reachable and not provider.adrift
        need((provider.link is not None) == wants, f"{app} has no link though it could, or one though it cannot")
        need(provider.link is None or cluster.cti_managers[provider.link], f"{app} is linked to what has failed")
        need(provider.link is None or not provider.queue, f"{app} has a link and something waits")


def _check_device(cluster: Cluster, device: Device) -> None:
    """In service exactly when homed, at a node of its group that is in service; nothing waits that need not."""
    name = device.name
    takers = [node for node in device.group if cluster.nodes[node] and node not in device.refused_by]
    able = takers if device.away is None else []
    every_node = device.away is None and all(cluster.nodes[node] for node in device.group)
    held = device.handles > 0
    need((device.state == "in_service") == (device.home is not None), f"{name}: in service and homed differ")
    need(device.kind == "phone" or held == (device.state != "unregistered"), f"{name}: registered and held differ")
    need(device.kind != "phone" or device.state != "unregistered", f"{name}: a phone that is unregistered")
    if device.home is None:
        need(not any(line.in_service for line in device.lines.values()), f"{name}: a line in service without a home")
        if device.state == "out_of_service" and device.kind == "phone":
            need(not able or device.calls > 0, f"{name}: waits though a node would take it")
        elif device.state == "out_of_service":
            need(not able, f"{name}: waits though a node would take it")
            need(not every_node, f"{name}: waits though every node is up and none takes it")
        return
    need(device.home in device.group and cluster.nodes[device.home], f"{name}: at a node that cannot serve it")
    need(device.away is None, f"{name}: in service and away")
    due = any(device.group.index(node) < device.group.index(device.home) for node in able)
    need(not due or device.calls > 0, f"{name}: re-homing is due and no call is active")
    for number, line in device.lines.items():
        need(line.in_service or device.home in line.refused_by, f"{name}: line {number} is out and nobody refuses it")
        hopeless = device.kind != "phone" and every_node and able[:1] == [device.home]
        need(line.in_service or not (line.handles and hopeless), f"{name}: line {number} waits for nothing")


# --- liveness: everything gets better, and then everything is at home -------------------------------------------------


def _nodes(replay: Replay) -> Iterator[Json]:
    yield from ({"type": "node_recovered", "node": node} for node, up in replay.cluster.nodes.items() if not up)


def _refusals(replay: Replay) -> Iterator[Json]:
    for device in replay.cluster.devices.values():
        for line in (None, *device.lines):
            if device.refused_by if line is None else device.lines[line].refused_by:
                named = {} if line is None else {"line": line}
                yield {"type": "open_allowed", "device": device.name, **named}


def _calls(replay: Replay) -> Iterator[Json]:
    yield from ({"type": "call_ended", "call": call} for call in replay.cluster.calls)


def _devices(replay: Replay) -> Iterator[Json]:
    for device in replay.cluster.devices.values():
        if device.away is not None:
            yield {"type": "device_recovered", "device": device.name}


def _managers(replay: Replay) -> Iterator[Json]:
    managers = replay.cluster.cti_managers
    yield from ({"type": "cti_manager_recovered", "node": node} for node, up in managers.items() if not up)


def _links(replay: Replay) -> Iterator[Json]:
    for app, provider in replay.book.providers.items():
        if provider.adrift:
            yield {"type": "provider_linked", "app": app, "node": provider.cti_managers[-1]}


DRAINS = (
    (_nodes, _refusals, _calls, _devices, _managers, _links),
    (_managers, _links, _devices, _calls, _refusals, _nodes),
)
"""Two orders in which everything gets better."""


def _drain(world: World, came: dict[bytes, tuple[bytes, int]], state: bytes, order: tuple[Callable[..., Iterator[Json]], ...]) -> int:  # fmt: skip
    """Everything gets better, each step checked; the number of steps. Raises :class:`Broken`."""
    replay = Replay(state)
    taken: list[Json] = []
    try:
        for stage in order:
            for found in list(stage(replay)):
                [event] = decoded([found])
                before = Glance(replay)
                taken.append(found)
                messages = list(replay.messages([event]))
                need(not replay.misfits, "a misfit where something gets better")
                check_step(before, event, messages, replay)
                check_state(replay)
        check_drained(replay)
    except Wrong as wrong:
        raise Broken(str(wrong), [*_path(world, came, state), *taken]) from None
    return len(taken)


def check_drained(replay: Replay) -> None:
    """Every device that anybody has open, and every phone, is at its original node, and everybody knows."""
    cluster = replay.cluster
    for device in cluster.devices.values():
        if device.state != "unregistered":
            need(device.home == device.group[0], f"{device.name} is not back at its original node")
            need(all(line.in_service for line in device.lines.values()), f"{device.name}: a line is not back")
    for name, handle in known_handles(replay).items():
        need(handle.told == "in", f"{name} was not told that it is back")
    for app, provider in replay.book.providers.items():
        need(provider.link is not None, f"{app} has no link")
        need(not provider.queue, f"{app} still has something waiting")


# --- the worlds -----------------------------------------------------------------------------------------------------


def _event(event_type: str, **fields: object) -> Json:
    return {"type": event_type, **fields}


def _site(nodes: int, managers: int = 0) -> list[Json]:
    names = [f"cm{number}" for number in range(1, nodes + 1)]
    added = [_event("node_added", node=node) for node in names]
    return added + [_event("cti_manager_added", node=node) for node in names[:managers]]


def _device(name: str, kind: str, *lines: str) -> Json:
    return _event("device_added", device=name, kind=kind, lines=list(lines))


def _weather(nodes: int, **scope: str) -> list[Json]:
    both = ("node_failed", "node_recovered")
    return [_event(one, node=f"cm{number}", **scope) for number in range(1, nodes + 1) for one in both]


def _managers_weather(managers: int) -> list[Json]:
    both = ("cti_manager_failed", "cti_manager_recovered")
    return [_event(one, node=f"cm{number}") for number in range(1, managers + 1) for one in both]


def _refusing(device: str, nodes: int, *lines: str | None) -> list[Json]:
    return [
        _event(one, device=device, **({"line": line} if line else {}), nodes=[f"cm{number}"])
        for line in lines
        for number in range(1, nodes + 1)
        for one in ("open_refused", "open_allowed")
    ]


def _calling(*devices: str, call: str = "c1") -> list[Json]:
    started = [_event("call_started", call=call, device=device) for device in devices]
    return [*started, _event("call_ended", call=call)]


def _opening(device: str, *lines: str, app: str | None = None) -> list[Json]:
    """Everything at once, the phone device alone, each line alone; and back."""
    who = {"app": app} if app else {}
    each = ("line_opened", "line_closed")
    return [
        _event("device_opened", device=device, **who),
        _event("device_opened", device=device, **who, lines=[]),
        _event("device_closed", device=device, **who),
        *(_event(one, device=device, line=line, **who) for line in lines for one in each),
    ]


def _whole(device: str, app: str | None = None) -> list[Json]:
    """Everything at once, and back."""
    who = {"app": app} if app else {}
    return [_event("device_opened", device=device, **who), _event("device_closed", device=device, **who)]


def _switch(name: str) -> list[Json]:
    return [_event("behaviour_set", **{name: value}) for value in (True, False)]


def _away(device: str) -> list[Json]:
    return [_event("device_failed", device=device), _event("device_recovered", device=device)]


def _lines(device: str, *changes: tuple[list[str], list[str]]) -> list[Json]:
    return [_event("lines_changed", device=device, added=added, removed=removed) for added, removed in changes]


def _control(device: str) -> list[Json]:
    return [_event(one, app="app", device=device) for one in ("control_withdrawn", "control_granted")]


PROVIDER = _event("provider_opened", app="app", cti_managers=["cm1", "cm2"])

WORLDS: dict[str, World] = {
    "port": World(
        [*_site(2), _device("P", "cti_port", "1", "2")],
        [
            *_weather(2),
            *_opening("P", "1", "2"),
            *_refusing("P", 2, None, "1"),
            *_calling("P"),
        ],
        depth=4,
        deep=99,
    ),
    "port, every line refused": World(
        [*_site(2), _device("P", "cti_port", "1", "2"), _event("device_opened", device="P")],
        [
            *_weather(2),
            *_whole("P"),
            *_refusing("P", 2, None, "1", "2"),
            *_calling("P"),
        ],
        depth=4,
        deep=99,
    ),
    "route point and port": World(
        [*_site(2), _device("R", "route_point", "1"), _device("P", "cti_port", "2")],
        [
            *_weather(2),
            *_whole("R"),
            *_whole("P"),
            *_refusing("R", 2, None),
            *_refusing("P", 1, "2"),
            *_calling("R", "P"),
        ],
        depth=4,
        deep=99,
    ),
    "two applications": World(
        [*_site(2), _device("P", "cti_port", "1")],
        [
            *_weather(2),
            *_opening("P", "1", app="a"),
            *_opening("P", "1", app="b"),
            *_refusing("P", 2, None, "1"),
        ],
        depth=3,
        deep=99,
    ),
    "phone": World(
        [*_site(2), _device("S", "phone", "1", "2")],
        [
            *_weather(2),
            *_opening("S", "1"),
            *_refusing("S", 2, None, "1"),
            *_calling("S"),
        ],
        depth=4,
        deep=99,
    ),
    "three nodes": World(
        [*_site(3), _device("P", "cti_port", "1"), _event("device_opened", device="P")],
        [
            *_weather(3),
            *_whole("P"),
            *_refusing("P", 3, None, "1"),
            *_calling("P"),
        ],
        depth=4,
        deep=99,
    ),
    "other orders": World(
        [
            *_site(3),
            _event("device_added", device="P", kind="cti_port", lines=["1"], group=["cm2", "cm1"]),
            _event("device_added", device="R", kind="route_point", lines=["2"], group=["cm3", "cm2", "cm1"]),
            _event("device_added", device="S", kind="phone", lines=["3"], group=["cm1", "cm3"]),
        ],
        [
            *_weather(3),
            *_whole("P"),
            *_whole("R"),
            *_whole("S"),
            *_refusing("R", 3, None)[2:],
            *_calling("P", "S"),
        ],
        depth=4,
        deep=99,
    ),
    "links": World(
        [*_site(2, 2), PROVIDER, _device("P", "cti_port", "1")],
        [
            *_weather(2),
            *_managers_weather(2),
            *_opening("P", "1"),
            *_refusing("P", 2, None, "1"),
            *_calling("P"),
            _event("provider_closed", app="app"),
            PROVIDER,
        ],
        depth=3,
        deep=99,
    ),
    "links and call processing alone": World(
        [*_site(2, 2), PROVIDER, _device("P", "cti_port", "1"), _device("S", "phone", "2")],
        [
            *_weather(2),
            *_weather(2, scope="call_manager"),
            *_managers_weather(2),
            *_whole("P"),
            *_whole("S"),
            *_refusing("P", 1, None, "1"),
            *_calling("P"),
        ],
        depth=4,
        deep=99,
    ),
    "one with a provider, one without": World(
        [*_site(2, 1), _event("provider_opened", app="tsp", cti_managers=["cm1"]), _device("P", "cti_port", "1")],
        [
            *_weather(2),
            *_managers_weather(1),
            *_opening("P", "1", app="tsp"),
            *_opening("P", "1", app="free"),
            *_refusing("P", 2, None),
            *_refusing("P", 1, "1"),
        ],
        depth=3,
        deep=99,
    ),
    "configuration": World(
        [*_site(2, 2), PROVIDER, _device("P", "cti_port", "1")],
        [
            *_weather(2)[:2],
            *_managers_weather(2),
            *_whole("P"),
            _event("device_removed", device="P"),
            _device("P", "cti_port", "1"),
            *_refusing("P", 1, None, "1"),
            *_calling("P"),
        ],
        depth=5,
        deep=24,
    ),
    "own links": World(
        [*_site(2, 2), PROVIDER, _device("P", "cti_port", "1")],
        [
            *_weather(2)[:2],
            *_managers_weather(2),
            _event("provider_link_lost", app="app"),
            *(_event("provider_linked", app="app", node=node) for node in ("cm1", "cm2")),
            *_whole("P"),
            *_refusing("P", 2, None, "1"),
            _event("provider_closed", app="app"),
            PROVIDER,
        ],
        depth=4,
        deep=99,
    ),
    "lines that come and go": World(
        [*_site(2, 1), _event("provider_opened", app="app", cti_managers=["cm1"]), _device("P", "cti_port", "1")],
        [
            *_weather(2)[:2],
            *_managers_weather(1),
            *_opening("P", "1", "2"),
            *_lines("P", (["2"], []), ([], ["1"]), (["1"], ["2"]), (["2"], ["1"])),
            *_away("P"),
            *_refusing("P", 1, "2"),
            *_calling("P"),
        ],
        depth=4,
        deep=16,
    ),
    "what a user may control": World(
        [
            *_site(2, 1),
            _event("provider_opened", app="app", cti_managers=["cm1"]),
            _device("P", "cti_port", "1"),
            _device("S", "phone", "2"),
        ],
        [
            *_weather(2)[:2],
            *_managers_weather(1),
            *_whole("P"),
            *_whole("P", app="free"),
            *_whole("S"),
            *_control("P"),
            *_control("S"),
            *_lines("P", (["3"], []), ([], ["3"])),
            _event("device_removed", device="P"),
            _device("P", "cti_port", "1"),
            _event("provider_closed", app="app"),
            _event("provider_opened", app="app", cti_managers=["cm1"]),
        ],
        depth=4,
        deep=12,
    ),
    "devices that are away": World(
        [
            *_site(2, 1),
            _event("provider_opened", app="app", cti_managers=["cm1"]),
            _device("P", "cti_port", "1"),
            _device("S", "phone", "2"),
        ],
        [
            *_weather(2),
            *_managers_weather(1),
            *_whole("P"),
            *_whole("S"),
            *_away("P"),
            *_away("S"),
            *_refusing("P", 2, None),
            *_calling("P", "S"),
        ],
        depth=4,
        deep=99,
    ),
    "phones wait for calls": World(
        [*_site(2), _device("S", "phone", "1"), _device("P", "cti_port", "2"), _event("device_opened", device="S")],
        [
            *_weather(2),
            *_switch("phones_wait_for_calls"),
            *_away("S"),
            *_whole("P"),
            *_refusing("S", 2, None, "1"),
            *_calling("S", "P"),
        ],
        depth=4,
        deep=99,
    ),
    "calls in setup are dropped": World(
        [*_site(2), _device("S", "phone", "1"), _device("P", "cti_port", "2"), _event("device_opened", device="P")],
        [
            *_weather(2),
            *_switch("drop_calls_in_setup"),
            *_switch("phones_wait_for_calls"),
            *_refusing("P", 2, None),
            *_calling("S", "P"),
            *_calling("P", call="c2"),
            _event("call_connected", call="c1", device="P"),
            _event("call_connected", call="c1"),
            _event("call_connected", call="c2"),
        ],
        depth=4,
        deep=99,
    ),
    "opens are announced, messages filtered": World(
        [
            *_site(2, 1),
            _event("provider_opened", app="app", cti_managers=["cm1"]),
            _device("P", "cti_port", "1", "2"),
            _event("behaviour_set", announce_open=True),
        ],
        [
            *_weather(2),
            *_managers_weather(1),
            *_opening("P", "1", "2"),
            *_refusing("P", 1, None, "1"),
            _event("status_messages_set", device="P", states=["RESUME"]),
            _event("status_messages_set", device="P", states=["RESUME", "SUSPEND"]),
            _event("status_messages_set", device="P", line="1", states=["OUTOFSERVICE"]),
            _event("status_messages_set", device="P", line="1", states=[]),
        ],
        depth=4,
        deep=99,
    ),
}
"""Name → world. ``deep`` 99 means: until no new state is found."""
