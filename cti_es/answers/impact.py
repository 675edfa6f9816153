"""What would happen if nodes or CTI Managers failed now (docs/reference/commands/impact.md).

Each scenario is taken by a copy of the fold at the end of the log, in which only those devices are copied that it can
touch. The log itself is not touched.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import msgspec

from cti_es.answers.device import waits_for
from cti_es.answers.names import check_known
from cti_es.logs.reading import WHOLE, Cut, Log, resumed_at
from cti_es.model.book import Book
from cti_es.model.cluster import Cluster, Device, DeviceState
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import CtiManagerFailed, CtiManagerRecovered, Event, Kind, NodeFailed, NodeRecovered
from cti_es.vocabulary.words import counted, verb

ImpactScope = Literal["node", "call_manager", "cti_manager"]
"""What fails: a node with its CTI Manager, its call processing alone, its CTI Manager alone."""


class Busiest(msgspec.Struct, frozen=True):
    """The node with the most devices after a scenario, their number, and its number before."""

    node: str
    devices: int
    before: int


class Scenario(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="scenario"):
    """What a scenario changes, as NDJSON has it. Only what it changes is counted.

    ``fails`` are the nodes, ``moved`` the devices that are in service at another node afterwards, ``out`` those that
    are out of service, ``closed`` those that the system has closed; ``lines_lost`` the lines that were in service and
    are not any more, ``calls`` the call legs on all these devices. ``not_back``
    (left out unless the nodes recover) are the devices that are not as they were after that.
    """

    fails: list[str]
    scope: ImpactScope
    moved: int
    out: int
    closed: int
    lines_lost: int
    calls: int
    apps_without_link: list[str]
    busiest: Busiest | None
    not_back: int | msgspec.UnsetType = msgspec.UNSET

    @property
    def harmless(self) -> bool:
        """Whether nothing is left out of service, closed or without a link."""
        return not (self.out or self.closed or self.apps_without_link)


class DeviceImpact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="device"):
    """A device that a scenario changes, as NDJSON has it.

    ``from`` and ``to`` are its nodes before and afterwards, ``state`` its state afterwards, ``calls`` the call legs
    that were active on it. ``why_none`` says, where it is at no node, why none of its group takes it. ``back_home`` and
    ``not_back`` (left out unless the nodes recover) are its node after that, and, where it is not as it was, what it
    waits for.
    """

    fails: list[str]
    device: str
    device_kind: Kind
    from_home: str | None = msgspec.field(name="from")
    to_home: str | None = msgspec.field(name="to")
    state: DeviceState
    calls: int
    why_none: str
    back_home: str | msgspec.UnsetType | None = msgspec.UNSET
    not_back: str | msgspec.UnsetType = msgspec.UNSET


class Weakness(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="finding"):
    """What is weak without any failure, as NDJSON has it.

    ``nodes`` are those of a group (``one_node``, ``other_order``) or of a provider (``one_cti_manager``), ``app`` the
    application concerned, if one is, ``devices`` how many devices it is about.
    """

    finding: Literal["one_node", "one_cti_manager", "other_order"]
    nodes: list[str]
    app: str | None
    devices: int
    text: str


Row = Scenario | DeviceImpact | Weakness


class Asked(NamedTuple):
    """Which scenarios: ``sets`` of nodes that fail together, or (None) every node alone, with ``pairs`` every two.

    ``and_back``: they recover, too. ``devices``: with a row for each device that changes.
    """

    sets: Sequence[Sequence[str]] | None = None
    pairs: bool = False
    scope: ImpactScope = "node"
    and_back: bool = False
    devices: bool = False


NODES_ALONE = Asked()


def impact(log: Log, asked: Asked = NODES_ALONE, cut: Cut = WHOLE) -> tuple[Iterator[Row], list[str]]:
    """Findings, then each scenario, followed by its devices if they are asked for; and warnings.

    What is down already cannot fail: it is left out, which a warning says. Raises :class:`InputError` for nodes or CTI
    Managers that the log does not have.
    """
    replay, warnings = resumed_at(log, cut)
    replay.taken_misfits()
    known: dict[str, bool] = replay.cluster.cti_managers if asked.scope == "cti_manager" else replay.cluster.nodes
    down = [node for node in known if not _is_up(replay.cluster, node, asked.scope)]
    wanted = list(_scenarios(asked, known, log.name))
    scenarios = [failing for nodes in wanted if (failing := tuple(node for node in nodes if node not in down))]
    skipped = [node for node in down if any(node in nodes for nodes in wanted)]
    return rows_of(replay, dict.fromkeys(scenarios), asked), [*warnings, *(f"{one} is down already" for one in skipped)]


def _scenarios(asked: Asked, known: dict[str, bool], log: str) -> Iterator[tuple[str, ...]]:
    if asked.sets is None:
        yield from combinations(known, 2 if asked.pairs else 1)
        return
    what = "CTI Manager" if asked.scope == "cti_manager" else "node"
    for nodes in asked.sets:
        check_known(what, nodes, known, f"in {log}")
        yield tuple(dict.fromkeys(nodes))


def rows_of(replay: Replay, scenarios: Iterable[tuple[str, ...]], asked: Asked) -> Iterator[Row]:
    """Findings and rows of these scenarios, from the state of a replay, which stays as it is."""
    yield from weaknesses(replay.cluster, replay.book)
    load = _load(replay.cluster)
    for failing in scenarios:
        names = list(_touched(replay, failing, asked))
        before, trial = _Picture(replay, names), replay.trial(names)
        trial.advance([_failure(node, asked.scope) for node in failing])
        after = _Picture(trial, names)
        rows = _changed(before, after, trial.cluster, failing)
        if asked.and_back:
            trial.advance([_recovery(node, asked.scope) for node in failing])
            back = _Picture(trial, names)
            rows = [_with_return(row, before, back, trial.cluster) for row in rows]
        yield _summed(before, after, rows, load, failing, asked)
        if asked.devices:
            yield from rows


# --- what fails and comes back ---------------------------------------------------------------------------------------


def _is_up(cluster: Cluster, node: str, scope: ImpactScope) -> bool:
    """Whether there is anything to fail."""
    manager = cluster.cti_managers.get(node, False)
    return {"node": cluster.nodes[node] or manager, "call_manager": cluster.nodes[node], "cti_manager": manager}[scope]


def _failure(node: str, scope: ImpactScope) -> Event:
    if scope == "cti_manager":
        return CtiManagerFailed(node=node)
    return NodeFailed(node=node, scope=scope)


def _recovery(node: str, scope: ImpactScope) -> Event:
    if scope == "cti_manager":
        return CtiManagerRecovered(node=node)
    return NodeRecovered(node=node, scope=scope)


def _touched(replay: Replay, failing: Collection[str], asked: Asked) -> Iterator[str]:
    """The devices that a scenario can touch: it may move them, or an application that loses or gets a link has them.

    If the nodes recover, that may move whatever has one of them in its group.
    """
    book, processing, nodes = replay.book, asked.scope != "cti_manager", set(failing)
    apps = {app for app, provider in book.providers.items() if provider.link is None or provider.link in failing}
    for name, device in replay.cluster.devices.items():
        served = not nodes.isdisjoint(device.group) if asked.and_back else device.home in nodes
        if (processing and served) or not apps.isdisjoint(book.held.get(name, ())):
            yield name


# --- before and after -----------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a device is: its state, home and lines in service."""

    state: DeviceState
    home: str | None
    lines: tuple[str, ...]


class _Picture:
    """Where some devices are, how many calls they have, and which applications are linked."""

    def __init__(self, replay: Replay, names: Iterable[str]) -> None:
        devices = [replay.cluster.devices[name] for name in names]
        self.places = {one.name: _Place(one.state, one.home, one.lines_in_service()) for one in devices}
        self.calls = {one.name: one.calls for one in devices}
        self.linked = [app for app, provider in replay.book.connected() if provider.link is not None]


def _load(cluster: Cluster) -> Counter[str]:
    """How many devices each node has."""
    load = Counter(dict.fromkeys(cluster.nodes, 0))
    load.update(one.home for one in cluster.devices.values() if one.home is not None)
    return load


def _changed(before: _Picture, after: _Picture, cluster: Cluster, failing: tuple[str, ...]) -> list[DeviceImpact]:
    """The devices that are not where they were, in order."""
    return [
        DeviceImpact(
            fails=list(failing),
            device=name,
            device_kind=cluster.devices[name].kind,
            from_home=was.home,
            to_home=now.home,
            state=now.state,
            calls=before.calls[name],
            why_none=_why_none(cluster, cluster.devices[name]) if now.state == "out_of_service" else "",
        )
        for name, was in before.places.items()
        if (now := after.places[name])[:2] != was[:2]
    ]


def _why_none(cluster: Cluster, device: Device) -> str:
    """Why no node of a device's group takes it: which of them are down, which refuse it."""
    if device.away:
        return f"the device itself is away ({device.away})"
    down = [node for node in device.group if not cluster.nodes[node]]
    refusing = [node for node in device.group if cluster.nodes[node] and node in device.refused_by]
    parts = [f"{', '.join(down)} down"] if down else []
    parts += [f"{', '.join(refusing)} refuse{'s' if len(refusing) == 1 else ''} it"] if refusing else []
    return "; ".join(parts) or waits_for(cluster, device.name)


def _with_return(row: DeviceImpact, before: _Picture, back: _Picture, cluster: Cluster) -> DeviceImpact:
    """The row with where its device is once everything has recovered."""
    was, now = before.places[row.device], back.places[row.device]
    why = "" if was == now else _why_not_back(cluster.devices[row.device], cluster, now)
    return msgspec.structs.replace(row, back_home=now.home, not_back=why)


def _why_not_back(device: Device, cluster: Cluster, now: _Place) -> str:
    if waiting := waits_for(cluster, device.name):
        return f"waits for {waiting}"
    if now.state == "unregistered":
        return "was closed; an application has to open it again"
    return "its lines or its node are others now"


def _summed(
    before: _Picture,
    after: _Picture,
    rows: list[DeviceImpact],
    load: Counter[str],
    failing: tuple[str, ...],
    asked: Asked,
) -> Scenario:
    states = Counter(one.state for one in rows)
    lost = sum(len(set(was.lines).difference(after.places[name].lines)) for name, was in before.places.items())
    return Scenario(
        fails=list(failing),
        scope=asked.scope,
        moved=states["in_service"],
        out=states["out_of_service"],
        closed=states["unregistered"],
        lines_lost=lost,
        calls=sum(one.calls for one in rows),
        apps_without_link=[app for app in before.linked if app not in after.linked],
        busiest=_busiest(load, rows),
        not_back=sum(1 for one in rows if one.not_back) if asked.and_back else msgspec.UNSET,
    )


def _busiest(before: Counter[str], rows: list[DeviceImpact]) -> Busiest | None:
    after = before.copy()
    after.subtract(one.from_home for one in rows if one.from_home is not None)
    after.update(one.to_home for one in rows if one.to_home is not None)
    node, devices = max(after.items(), key=lambda item: item[1], default=("", 0))
    return Busiest(node, devices, before[node]) if devices else None


# --- what is weak already -------------------------------------------------------------------------------------------


def weaknesses(cluster: Cluster, book: Book) -> Iterator[Weakness]:
    """Groups of one node, providers with one CTI Manager, and groups in another order than the CTI Managers.

    The last looks at ports and route points, and at the nodes that a group and the list of an application have both.
    """
    groups = Counter(one.group for one in cluster.devices.values())
    for group, count in groups.items():
        if len(group) == 1:
            text = f"{counted(count, 'device')} can be served by {group[0]} only: nothing takes them if it fails"
            yield Weakness(finding="one_node", nodes=list(group), app=None, devices=count, text=text)
    for app, provider in book.connected():
        if len(provider.cti_managers) == 1:
            count = sum(1 for held in book.held.values() if app in held)
            text = f"{app} has one CTI Manager only ({provider.cti_managers[0]}): it has no link if that fails"
            yield Weakness(
                finding="one_cti_manager", nodes=list(provider.cti_managers), app=app, devices=count, text=text
            )
    yield from _other_orders(cluster, book)


def _other_orders(cluster: Cluster, book: Book) -> Iterator[Weakness]:
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for name, held in book.held.items():
        device = cluster.devices[name]
        if not device.registers_itself:
            found.update((app, device.group) for app in held if app in book.providers)
    for (app, group), count in found.items():
        managers = book.providers[app].cti_managers
        if _common(group, managers) != _common(managers, group):
            who, prefer = counted(count, "device"), verb(count, "prefer")
            text = f"{who} of {app} {prefer} {', '.join(group)}, its CTI Managers are {', '.join(managers)}"
            yield Weakness(finding="other_order", nodes=list(group), app=app, devices=count, text=text)


def _common(nodes: Iterable[str], others: Collection[str]) -> list[str]:
    return [one for one in nodes if one in others]
