"""The steps of the fold as data: what was done to which device and lines (docs/reference/rules.md#steps).

A step says what happened, not who is told of it: ``tsp`` knows who has what open.
"""

import msgspec

from cti_es.model.cluster import Reason


class Suspended(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The device has lost ``home``, its home; ``lines`` were in service and went out with it."""

    device: str
    home: str | None
    lines: tuple[str, ...]
    reason: Reason


class Resumed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The device is in service at ``node``, and so are ``lines``."""

    device: str
    node: str
    lines: tuple[str, ...]


class Closed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The system has closed the device: every handle on it and on its ``lines`` is gone."""

    device: str
    lines: tuple[str, ...]


class LineInService(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A line that was out of service on a device in service is in service again."""

    device: str
    line: str


class LineLost(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The system has closed one line: every handle on it is gone."""

    device: str
    line: str


class Opened(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An application has opened the phone device (``phone``) and ``lines``, with this extension version."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]
    ext_version: int | None


class OpenedIn(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The lines that an application has just opened on a device in service; those in ``out`` are out of service."""

    device: str
    app: str
    lines: tuple[str, ...]
    out: tuple[str, ...]


class OpenedOut(msgspec.Struct, frozen=True, gc=False, tag=True):
    """What an application has just opened on a device that is out of service."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]
    reason: Reason


class GivenBack(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An application has given back its handles on the phone device (``phone``) and ``lines``."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]


class DeviceEntered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A device has joined the configuration. ``number`` is its TAPI device id; ``lines``: line → its TAPI device id."""

    device: str
    number: int
    lines: dict[str, int]


class DeviceLeft(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A device has left the configuration, and every handle on it is gone. Fields as in :class:`DeviceEntered`."""

    device: str
    number: int
    lines: dict[str, int]


class LinesEntered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Lines have joined a device: line → its TAPI device id."""

    device: str
    lines: dict[str, int]


class LinesLeft(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Lines have left a device, and every handle on them is gone: line → its TAPI device id."""

    device: str
    lines: dict[str, int]


class ControlGiven(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The user of an application may control a device again. Fields as in :class:`DeviceEntered`."""

    app: str
    device: str
    number: int
    lines: dict[str, int]


class ControlTaken(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The user of an application may control a device no more; what the application has open on it is gone.

    Fields as in :class:`DeviceEntered`.
    """

    app: str
    device: str
    number: int
    lines: dict[str, int]


class LinksLost(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The CTI Manager on ``node`` has failed: whoever was linked to it has no link."""

    node: str


class LinkLost(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An application's own connection is lost; its CTI Manager goes on, for others."""

    app: str


class Linked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An application is connected to the CTI Manager of ``node``."""

    app: str
    node: str


class LinksWanted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The CTI Managers in service have changed: whoever has no link looks for one."""


Step = (
    Suspended
    | Resumed
    | Closed
    | LineInService
    | LineLost
    | Opened
    | OpenedIn
    | OpenedOut
    | GivenBack
    | DeviceEntered
    | DeviceLeft
    | LinesEntered
    | LinesLeft
    | ControlGiven
    | ControlTaken
    | LinksLost
    | LinkLost
    | Linked
    | LinksWanted
)

STEP_NAMES: dict[type[Step], str] = {
    Suspended: "suspend",
    Resumed: "resume",
    Closed: "close",
    LineInService: "settle",
    LineLost: "settle",
    OpenedIn: "open",
    OpenedOut: "open",
    DeviceEntered: "configure",
    DeviceLeft: "configure",
    LinesEntered: "configure",
    LinesLeft: "configure",
    ControlGiven: "configure",
    ControlTaken: "configure",
    LinksLost: "link_lost",
    LinkLost: "link_lost",
    Linked: "reconnect",
    LinksWanted: "reconnect",
}
"""The step's name in a rule identifier (docs/reference/rules.md#rule-identifiers).

Opened and GivenBack tell nobody anything; OpenedIn also announces lines, as :data:`ANNOUNCE`.
"""

ANNOUNCE = "announce"
"""The name under which a line in service is announced when it is opened (docs/reference/tsp.md#announce_open)."""
