"""A failover of 2,000 devices: a node fails with its CTI Manager, then the call processing of a second one."""

from collections.abc import Iterator
from typing import Any

import msgspec

NODES = ("cm1", "cm2", "cm3")
DEVICES = 2_000
_KINDS = (*(["cti_port"] * 6), "route_point", *(["phone"] * 3))
_NAMES = {"cti_port": "CTIP", "route_point": "RP", "phone": "SEP00AA"}


def events() -> bytes:
    """The log as NDJSON, in the order of its times."""
    rows = sorted((*_cluster(), *_opens(), *_calls(), *_failures()), key=lambda row: row["at"])
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _row(second: int, type_: str, **fields: Any) -> dict[str, Any]:
    """An event, so many seconds after 06:00:00."""
    hours, rest = divmod(second, 3600)
    return {"type": type_, **fields, "at": f"2026-05-04T{6 + hours:02}:{rest // 60:02}:{rest % 60:02}Z"}


def _names() -> Iterator[tuple[int, str, str]]:
    for number in range(DEVICES):
        kind = _KINDS[number % len(_KINDS)]
        yield number, kind, f"{_NAMES[kind]}{number:05}"


def _cluster() -> Iterator[dict[str, Any]]:
    yield from (_row(0, "node_added", node=node) for node in NODES)
    yield from (_row(0, "cti_manager_added", node=node) for node in NODES[:2])
    for number, kind, name in _names():
        group = [*NODES[number % 3 :], *NODES[: number % 3]]
        yield _row(60, "device_added", device=name, kind=kind, lines=[str(20_000 + number)], group=group)
    yield _row(120, "provider_opened", app="ivr", cti_managers=["cm1", "cm2"])
    yield _row(120, "provider_opened", app="recorder", cti_managers=["cm2", "cm1"])


def _opens() -> Iterator[dict[str, Any]]:
    for number, kind, name in _names():
        if kind != "phone" or number % 2:
            yield _row(3_600 + number, "device_opened", device=name, app="ivr" if kind != "phone" else "recorder")


def _calls() -> Iterator[dict[str, Any]]:
    for number, _, name in _names():
        if number % 7 == 0:
            yield _row(13_900 + number // 4, "call_started", call=f"c{number}", device=name)
            yield _row(14_700 + number // 4, "call_ended", call=f"c{number}")


def _failures() -> Iterator[dict[str, Any]]:
    yield _row(14_407, "node_failed", node="cm1")
    yield _row(14_610, "node_failed", node="cm2", scope="call_manager")
    yield _row(14_755, "node_recovered", node="cm2", scope="call_manager")
    yield _row(14_920, "node_recovered", node="cm1")
