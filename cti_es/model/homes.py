"""The fold's state → device homes (docs/reference/rules.md#homes)."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from cti_es.model.cluster import Cluster, Device, DeviceState
from cti_es.vocabulary.events import Kind


class Home(msgspec.Struct, frozen=True):
    """Where a device is, as NDJSON has it: these fields, in this order.

    ``original`` is the first node of its group, ``calls`` the number of active call legs, ``rehome_to`` the node to
    which re-homing is due (null when it is not), ``lines`` the state of each line.
    """

    device: str
    kind: Kind
    state: DeviceState
    home: str | None
    original: str
    calls: int
    rehome_to: str | None
    lines: dict[str, Literal["in_service", "out_of_service"]]


def homes(cluster: Cluster) -> Iterator[Home]:
    """The home of every device, in the order in which they were added."""
    for device in cluster.devices.values():
        yield home(cluster, device)


def home(cluster: Cluster, device: Device) -> Home:
    """The home of one device."""
    return Home(
        device=device.name,
        kind=device.kind,
        state=device.state,
        home=device.home,
        original=device.group[0],
        calls=device.calls,
        rehome_to=cluster.better(device),
        lines={n: "in_service" if line.in_service else "out_of_service" for n, line in device.lines.items()},
    )
