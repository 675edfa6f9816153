"""The fold against the naive one, event by event, proposed by somebody who knows the state (hypothesis).

Random logs (``strategies.LogMaker``) know no rule. Here each event is drawn from what the state offers: a node that is
down recovers, what is open is closed, a leg that is there ends. So most events fit, logs of a few dozen events come to
states that chance seldom finds, and hypothesis shrinks what it finds. Now and then the replay is encoded and taken up
again. After every event messages (with their rules), homes and misfits are those of the naive fold.
"""

from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support import naive
from support.strategies import Json, decoded, placed, run

from cti_es.model.replay import Replay

APPS = (None, "ivr", "recorder")
NODES = ("cm1", "cm2", "cm3")
DEVICES = ("P", "R", "S", "Q")
LINES = ("1", "2", "3")
KINDS = st.sampled_from(["cti_port", "route_point", "phone"])
EXT_VERSIONS = st.sampled_from([None, 0, 0x000AFFFF, 0x000B0000, 0x800A0000, 0x800B0000])
REASONS = st.sampled_from([None, "DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"])
SCOPES = st.sampled_from([None, None, "node", "call_manager"])
BEHAVIOURS = ("announce_open", "phones_wait_for_calls", "drop_calls_in_setup")
BOOLEANS = st.sampled_from([None, True, False])


def some_of(names: Any, least: int = 0) -> st.SearchStrategy[list[str]]:
    """Some of these, in any order."""
    return st.lists(st.sampled_from(list(names)), min_size=least, max_size=len(names), unique=True)


class FoldMachine(RuleBasedStateMachine):
    """The fold and, beside it, the naive fold."""

    def __init__(self) -> None:
        super().__init__()
        self.replay = Replay()
        self.naive = naive.World()
        self.log: list[Json] = []
        self.messages: list[Json] = []
        self.misfits: list[int] = []

    def take(self, event_type: str, **fields: Any) -> None:
        """One more event for both; they must agree."""
        event = {"type": event_type, **{name: value for name, value in fields.items() if value is not None}}
        self.log.append(event)
        version, told = len(self.log), len(self.naive.messages)
        try:
            self.naive.apply(version, event)
        except naive.Misfit:
            self.misfits.append(version)
        messages = msgspec.to_builtins(list(self.replay.messages(decoded([event]))))
        self.messages += messages

        assert messages == self.naive.messages[told:], self.log
        assert placed(self.replay) == self.naive.homes(), self.log
        assert [one.version for one in self.replay.misfits] == self.misfits, self.log

    def teardown(self) -> None:
        """Nothing was lost on the way: the whole log at once gives the same."""
        messages, replay = run(decoded(self.log))
        assert messages == self.messages
        assert replay.encoded() == self.replay.encoded()

    # What there is.

    @property
    def devices(self) -> dict[str, Any]:
        return self.replay.cluster.devices

    def handles(self) -> list[tuple[str, str, str | None]]:
        """Application, device, line of everything that is open."""
        return [(app, device, line) for device, app, line, _ in self.replay.book.handles()]

    # A cluster to begin with, and what joins it.

    @initialize(nodes=st.integers(1, 3), managers=st.integers(0, 3), apps=st.integers(0, 2), data=st.data())
    def site(self, nodes: int, managers: int, apps: int, data: st.DataObject) -> None:
        for node in NODES[:nodes]:
            self.take("node_added", node=node)
        for node in NODES[: min(managers, nodes)]:
            self.take("cti_manager_added", node=node)
        if managers:
            for app in APPS[: apps + 1]:
                names = data.draw(some_of(NODES[: min(managers, nodes)], 1))
                self.take("provider_opened", app=app or "app", cti_managers=names)
        for device in DEVICES[:2]:
            self.take("device_added", device=device, kind=data.draw(KINDS), lines=["2", "1"])
            self.take("device_opened", device=device, app=data.draw(st.sampled_from(APPS)))

    @rule(device=st.sampled_from(DEVICES), kind=KINDS, lines=some_of(LINES), data=st.data())
    def device_added(self, device: str, kind: str, lines: list[str], data: st.DataObject) -> None:
        if device not in self.devices:
            group = data.draw(st.none() | some_of(self.replay.cluster.nodes, 1))
            self.take("device_added", device=device, kind=kind, lines=lines, group=group)

    @precondition(lambda self: len(self.devices) > 1)
    @rule(data=st.data())
    def device_removed(self, data: st.DataObject) -> None:
        self.take("device_removed", device=data.draw(st.sampled_from(list(self.devices))))

    # Opening and closing.

    @precondition(lambda self: self.devices)
    @rule(app=st.sampled_from(APPS), ext_version=EXT_VERSIONS, data=st.data())
    def device_opened(self, app: str | None, ext_version: int | None, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(list(self.devices.values())))
        lines = data.draw(st.none() | some_of(device.lines)) if device.lines else None
        self.take("device_opened", device=device.name, app=app, lines=lines, ext_version=ext_version)

    @precondition(lambda self: any(device.lines for device in self.devices.values()))
    @rule(app=st.sampled_from(APPS), ext_version=EXT_VERSIONS, data=st.data())
    def line_opened(self, app: str | None, ext_version: int | None, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from([one for one in self.devices.values() if one.lines]))
        line = data.draw(st.sampled_from(list(device.lines)))
        self.take("line_opened", device=device.name, line=line, app=app, ext_version=ext_version)

    @precondition(lambda self: self.handles())
    @rule(whole=st.booleans(), data=st.data())
    def closed(self, whole: bool, data: st.DataObject) -> None:
        app, device, line = data.draw(st.sampled_from(self.handles()))
        if whole or line is None:
            self.take("device_closed", device=device, app=app)
        else:
            self.take("line_closed", device=device, line=line, app=app)

    @precondition(lambda self: self.handles())
    @rule(data=st.data())
    def status_messages_set(self, data: st.DataObject) -> None:
        app, device, line = data.draw(st.sampled_from(self.handles()))
        states = ("SUSPEND", "RESUME") if line is None else ("INSERVICE", "OUTOFSERVICE")
        self.take("status_messages_set", app=app, device=device, line=line, states=data.draw(some_of(states)))

    # The weather. Failures and recoveries are drawn from all nodes: what fails twice is a misfit.

    @rule(scope=SCOPES, data=st.data())
    def node_failed(self, scope: str | None, data: st.DataObject) -> None:
        self.take("node_failed", node=data.draw(st.sampled_from(list(self.replay.cluster.nodes))), scope=scope)

    @precondition(lambda self: not all(self.replay.cluster.nodes.values()))
    @rule(scope=SCOPES, data=st.data())
    def node_recovered(self, scope: str | None, data: st.DataObject) -> None:
        down = [node for node, up in self.replay.cluster.nodes.items() if not up]
        self.take("node_recovered", node=data.draw(st.sampled_from(down)), scope=scope)

    @precondition(lambda self: self.replay.cluster.cti_managers)
    @rule(data=st.data())
    def cti_manager_turns(self, data: st.DataObject) -> None:
        node, up = data.draw(st.sampled_from(list(self.replay.cluster.cti_managers.items())))
        self.take("cti_manager_failed" if up else "cti_manager_recovered", node=node)

    @precondition(lambda self: self.replay.book.providers)
    @rule(data=st.data())
    def provider_closed(self, data: st.DataObject) -> None:
        if data.draw(st.integers(0, 3)) == 0:
            self.take("provider_closed", app=data.draw(st.sampled_from(list(self.replay.book.providers))))

    @precondition(lambda self: self.replay.book.providers)
    @rule(named=st.booleans(), data=st.data())
    def link_turns(self, named: bool, data: st.DataObject) -> None:
        app, provider = data.draw(st.sampled_from(list(self.replay.book.providers.items())))
        node = data.draw(st.sampled_from(provider.cti_managers))
        if provider.link is None or node != provider.link:
            self.take("provider_linked", app=app, node=node)
        else:
            self.take("provider_link_lost", app=app, node=node if named else None)

    @precondition(lambda self: self.replay.book.providers and self.devices)
    @rule(data=st.data())
    def control_turns(self, data: st.DataObject) -> None:
        app, provider = data.draw(st.sampled_from(list(self.replay.book.providers.items())))
        device = data.draw(st.sampled_from(list(self.devices)))
        self.take("control_granted" if device in provider.withdrawn else "control_withdrawn", app=app, device=device)

    @precondition(lambda self: self.devices)
    @rule(lines=some_of(LINES, 1), data=st.data())
    def lines_changed(self, lines: list[str], data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(list(self.devices.values())))
        added, removed = ([line for line in lines if (line in device.lines) == has] for has in (False, True))
        self.take("lines_changed", device=device.name, added=added or None, removed=removed or None)

    @precondition(lambda self: self.replay.cluster.cti_managers)
    @rule(app=st.sampled_from(APPS), data=st.data())
    def provider_opened(self, app: str | None, data: st.DataObject) -> None:
        names = data.draw(some_of(self.replay.cluster.cti_managers, 1))
        self.take("provider_opened", app=app or "app", cti_managers=names)

    @precondition(lambda self: self.devices)
    @rule(reason=REASONS, data=st.data())
    def device_turns(self, reason: str | None, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(list(self.devices.values())))
        if device.away is None:
            self.take("device_failed", device=device.name, reason=reason)
        else:
            self.take("device_recovered", device=device.name)

    @precondition(lambda self: self.devices)
    @rule(refuse=st.booleans(), of_line=st.booleans(), data=st.data())
    def refusals(self, refuse: bool, of_line: bool, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(list(self.devices.values())))
        line = data.draw(st.sampled_from(list(device.lines))) if of_line and device.lines else None
        nodes = data.draw(st.none() | some_of(device.group, 1))
        self.take("open_refused" if refuse else "open_allowed", device=device.name, line=line, nodes=nodes)

    # Calls.

    @precondition(lambda self: self.devices)
    @rule(call=st.sampled_from(["c1", "c2", "c3"]), data=st.data())
    def call_started(self, call: str, data: st.DataObject) -> None:
        self.take("call_started", call=call, device=data.draw(st.sampled_from(list(self.devices))))

    @precondition(lambda self: self.replay.cluster.calls)
    @rule(what=st.sampled_from(["call_ended", "call_ended", "call_connected"]), whole=st.booleans(), data=st.data())
    def call_goes_on(self, what: str, whole: bool, data: st.DataObject) -> None:
        call, legs = data.draw(st.sampled_from(list(self.replay.cluster.calls.items())))
        self.take(what, call=call, device=None if whole else data.draw(st.sampled_from(list(legs))))

    @rule(name=st.sampled_from(BEHAVIOURS), value=BOOLEANS, other=st.sampled_from(BEHAVIOURS))
    def behaviour_set(self, name: str, value: bool | None, other: str) -> None:
        self.take("behaviour_set", **{other: True} if value is None else {name: value})

    @rule()
    def taken_up_again(self) -> None:
        """Encoded, decoded, and on."""
        misfits = self.replay.misfits
        self.replay = Replay(self.replay.encoded())
        self.replay.misfits = misfits
