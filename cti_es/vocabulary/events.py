"""The log's vocabulary: everything that can be appended (docs/reference/log-format.md#event-types).

One frozen Struct per event type. Field order is the order of the canonical form: the type's own fields as the table
there has them, then ``at``, then ``id`` (docs/reference/log-format.md#canonical-form). A field left out is ``None``
and stays out; what it means then is the fold's business, so that what was sent is what is stored.

Structs check types and unknown fields. Names and times are checked once, on input, by
:func:`~cti_es.vocabulary.event_text.checked` (a pattern in the Struct would make every replay pay for it).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, cast, get_args

import msgspec
from msgspec.structs import force_setattr

from cti_es.vocabulary.names import MAX_NAME

Kind = Literal["cti_port", "route_point", "phone"]
Scope = Literal["node", "call_manager"]
AwayReason = Literal["DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
"""A name. Its length is checked by every decoding, which costs nothing; its characters once, on input."""


ExtVersion = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
"""An extension version, as an application gives it when it opens a device or a line.

See docs/reference/tapi.md#extension-versions.
"""


class _Bare(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="type",
):
    names: ClassVar[tuple[str, ...]]
    """The fields of this type that hold a name or a list of names."""


class Event(_Bare, frozen=True, kw_only=True, gc=False):
    """What every event has: when it happened (canonical UTC text) and, if the sender gave one, its identifier."""

    at: str | None = None
    id: Name | None = None


class NodeAdded(Event, frozen=True, gc=False, tag="node_added"):
    """A call-processing node joins the cluster, in service."""

    names = ("node",)
    node: Name


class DeviceAdded(Event, frozen=True, gc=False, tag="device_added"):
    """A device joins the configuration: its lines in order and its CallManager group, first node first."""

    names = ("device", "lines", "group")
    device: Name
    kind: Kind
    lines: tuple[Name, ...] | None = None
    group: tuple[Name, ...] | None = None


class DeviceOpened(Event, frozen=True, gc=False, tag="device_opened"):
    """An application opens the phone device and these lines (all of them when left out)."""

    names = ("device", "app", "lines")
    device: Name
    app: Name | None = None
    lines: tuple[Name, ...] | None = None
    ext_version: ExtVersion | None = None


class LineOpened(Event, frozen=True, gc=False, tag="line_opened"):
    """An application opens one line."""

    names = ("device", "line", "app")
    device: Name
    line: Name
    app: Name | None = None
    ext_version: ExtVersion | None = None


class DeviceClosed(Event, frozen=True, gc=False, tag="device_closed"):
    """An application gives back every handle it has on the device."""

    names = ("device", "app")
    device: Name
    app: Name | None = None


class LineClosed(Event, frozen=True, gc=False, tag="line_closed"):
    """An application gives back one line handle."""

    names = ("device", "line", "app")
    device: Name
    line: Name
    app: Name | None = None


class NodeFailed(Event, frozen=True, gc=False, tag="node_failed"):
    """A node fails: with its CTI Manager, or (scope ``call_manager``) its call processing alone."""

    names = ("node",)
    node: Name
    scope: Scope | None = None


class NodeRecovered(Event, frozen=True, gc=False, tag="node_recovered"):
    """A failed node is back in service: with its CTI Manager, or its call processing alone."""

    names = ("node",)
    node: Name
    scope: Scope | None = None


class OpenRefused(Event, frozen=True, gc=False, tag="open_refused"):
    """From now on these nodes (the whole group when left out) refuse to open the device, or this line of it."""

    names = ("device", "line", "nodes")
    device: Name
    line: Name | None = None
    nodes: tuple[Name, ...] | None = None


class OpenAllowed(Event, frozen=True, gc=False, tag="open_allowed"):
    """From now on these nodes (the whole group when left out) accept to open the device, or this line of it, again."""

    names = ("device", "line", "nodes")
    device: Name
    line: Name | None = None
    nodes: tuple[Name, ...] | None = None


class CallStarted(Event, frozen=True, gc=False, tag="call_started"):
    """A call leg becomes active on the device."""

    names = ("call", "device", "line")
    call: Name
    device: Name
    line: Name | None = None


class CallEnded(Event, frozen=True, gc=False, tag="call_ended"):
    """A call leg ends; without ``device`` every leg of that call does."""

    names = ("call", "device")
    call: Name
    device: Name | None = None


class CtiManagerAdded(Event, frozen=True, gc=False, tag="cti_manager_added"):
    """A CTI Manager, in service, on a node."""

    names = ("node",)
    node: Name


class CtiManagerFailed(Event, frozen=True, gc=False, tag="cti_manager_failed"):
    """The CTI Manager of a node fails; its call processing goes on."""

    names = ("node",)
    node: Name


class CtiManagerRecovered(Event, frozen=True, gc=False, tag="cti_manager_recovered"):
    """The CTI Manager of a node is back in service."""

    names = ("node",)
    node: Name


class ProviderOpened(Event, frozen=True, gc=False, tag="provider_opened"):
    """The TSP of an application connects: to the first of these nodes whose CTI Manager is in service."""

    names = ("app", "cti_managers")
    app: Name
    cti_managers: tuple[Name, ...]


class ProviderClosed(Event, frozen=True, gc=False, tag="provider_closed"):
    """An application gives back everything that it has, and its provider."""

    names = ("app",)
    app: Name


class ProviderLinkLost(Event, frozen=True, gc=False, tag="provider_link_lost"):
    """An application's own connection is lost (with ``node``: the one to that CTI Manager), and nothing else is."""

    names = ("app", "node")
    app: Name
    node: Name | None = None


class ProviderLinked(Event, frozen=True, gc=False, tag="provider_linked"):
    """An application is connected to the CTI Manager of this node now."""

    names = ("app", "node")
    app: Name
    node: Name


# A Struct puts what it inherits first when a field that may be left out stands before one that may not, as ``app``
# does here. ``at`` and ``id`` come last in the canonical form, so this one event writes them itself.
if TYPE_CHECKING:
    _Own = Event
else:
    _Own = _Bare


class StatusMessagesSet(_Own, frozen=True, kw_only=True, gc=False, tag="status_messages_set"):
    """An application says which state messages it wants for its phone handle, or for this line of it."""

    names = ("app", "device", "line", "states")
    app: Name | None = None
    device: Name
    line: Name | None = None
    states: tuple[Name, ...]
    at: str | None = None
    id: Name | None = None


class DeviceFailed(Event, frozen=True, gc=False, tag="device_failed"):
    """A device itself is away: failed, unregistered or asleep."""

    names = ("device",)
    device: Name
    reason: AwayReason | None = None


class DeviceRecovered(Event, frozen=True, gc=False, tag="device_recovered"):
    """A device that was away is back."""

    names = ("device",)
    device: Name


class DeviceRemoved(Event, frozen=True, gc=False, tag="device_removed"):
    """A device leaves the configuration."""

    names = ("device",)
    device: Name


class LinesChanged(Event, frozen=True, gc=False, tag="lines_changed"):
    """Lines join a device, behind those that it has, or leave it."""

    names = ("device", "added", "removed")
    device: Name
    added: tuple[Name, ...] | None = None
    removed: tuple[Name, ...] | None = None


class ControlWithdrawn(Event, frozen=True, gc=False, tag="control_withdrawn"):
    """A device leaves what the user of an application may control."""

    names = ("app", "device")
    app: Name
    device: Name


class ControlGranted(Event, frozen=True, gc=False, tag="control_granted"):
    """A device that was withdrawn joins again what the user of an application may control."""

    names = ("app", "device")
    app: Name
    device: Name


class CallConnected(Event, frozen=True, gc=False, tag="call_connected"):
    """A call leg has media; without ``device`` every leg of that call has."""

    names = ("call", "device")
    call: Name
    device: Name | None = None


class BehaviourSet(Event, frozen=True, gc=False, tag="behaviour_set"):
    """How the cluster and its TSPs behave from now on; what is left out stays as it is."""

    names = ()
    announce_open: bool | None = None
    phones_wait_for_calls: bool | None = None
    drop_calls_in_setup: bool | None = None


AnyEvent = (
    NodeAdded
    | DeviceAdded
    | DeviceOpened
    | LineOpened
    | DeviceClosed
    | LineClosed
    | NodeFailed
    | NodeRecovered
    | OpenRefused
    | OpenAllowed
    | CallStarted
    | CallEnded
    | CtiManagerAdded
    | CtiManagerFailed
    | CtiManagerRecovered
    | ProviderOpened
    | ProviderClosed
    | ProviderLinkLost
    | ProviderLinked
    | StatusMessagesSet
    | DeviceFailed
    | DeviceRecovered
    | DeviceRemoved
    | LinesChanged
    | ControlWithdrawn
    | ControlGranted
    | CallConnected
    | BehaviourSet
)

EVENT_TYPES: dict[str, type[Event]] = {struct.__struct_config__.tag: struct for struct in get_args(AnyEvent)}
"""Event type, such as ``node_failed`` → its Struct, in the order of docs/reference/log-format.md#event-types."""

decode_event: Callable[[bytes], Event] = msgspec.json.Decoder(AnyEvent).decode
"""Decode the JSON text of one event. Raises msgspec's own errors; ``event_text.read_event`` explains them to people."""

decode_events = cast(Callable[[bytes], list[Event]], msgspec.json.Decoder(list[AnyEvent]).decode)
"""Decode a JSON array of canonical events, as the store keeps them, into a list of events."""

encode = msgspec.json.Encoder().encode
"""Encode an event, or a list of events, as canonical JSON (docs/reference/log-format.md#canonical-form)."""

type_of: dict[type[Event], str] = {struct: name for name, struct in EVENT_TYPES.items()}
"""The event type, such as ``node_failed``, of a Struct."""


def fields_of(event_type: str) -> dict[str, Any]:
    """The fields of an event type, ``at`` and ``id`` included: name → type annotation, in canonical order.

    Raises KeyError for an unknown type.
    """
    struct = EVENT_TYPES[event_type]
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def set_time(event: Event, at: str) -> None:
    """Give an event that has just come in its canonical time. Nobody else has seen the event yet."""
    force_setattr(event, "at", at)


class NumberedEvents(NamedTuple):
    """Some events of an input: ``numbers[i]`` is what errors call ``events[i]``, in a file the line, counted from 1.

    ``canonical`` is their canonical JSON array where reading has come across it, to spare others the work.
    """

    numbers: range | list[int]
    events: list[Event]
    canonical: bytes | None = None
