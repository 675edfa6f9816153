"""Where a cluster says that its devices are registered, beside where a log has them.

Specified in docs/reference/commands/homes.md#beside-the-cluster. Read are RisPort's answers to selectCmDevice, as XML
or as the JSON that clients make of it, and prints of ``show risdb query phone`` and ``cti``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from cti_es.cucm.claims import host, short_host
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.topology_files import ahead
from cti_es.cucm.topology_rows import answer_in
from cti_es.cucm.topology_xml import Element, elements
from cti_es.logs.bytes_in import Begun
from cti_es.model.cluster import Cluster, Device
from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, numbered, start_as_utf8

EXPECTED = "an answer of RisPort to selectCmDevice (XML or JSON), or a print of show risdb query phone or cti"
MOST_JSON = 1 << 28
"""So many bytes of JSON are read: it is decoded as a whole."""

_WORDS = FileWords(EXPECTED, "a row", "is this what a terminal showed?", may_have_nul=True)
_REGISTERED = ("registered", "partiallyregistered", "reg", "par", "partial")
_NAMES = ("DeviceName", "Name")
_ANSWERED = ("ok", "notfound", "")


class UnknownPlace(InputError):
    """A print of one node, and nothing says of which."""


class Registration(NamedTuple):
    """What a node says of a device: whether it is registered there, and since when (seconds; 0: not said)."""

    device: str
    node: str
    is_registered: bool
    since: int


class Registrations:
    """What files say, device by device. ``silent`` are nodes that did not answer, ``bad_rows`` places of rows that
    cannot be read.
    """

    def __init__(self) -> None:
        self.silent: list[str] = []
        self.bad_rows: list[str] = []
        self.count = 0
        self._where: dict[str, Registration] = {}

    def read(self, stream: ByteStream, name: str, nodes: Iterable[str], node: str | None) -> None:
        """Read a file. ``node`` is where a print of ``show risdb`` was made; None: the name of the file has one of
        ``nodes`` in it.

        Raises :class:`InputError` for a file that is none of those, that is broken, or whose node is not known.
        """
        start = ahead(stream)
        text = start_as_utf8(start).lstrip()
        whole = Begun(start, stream)
        if answer_in(text) is not None:
            found = self._of_elements(elements(whole, name))
        elif text.startswith((b"[", b"{")):
            found = self._of_json(_decoded(whole, name))
        elif b"RegStatus" in text:
            found = self._of_print(whole, name, node or _node_in(name, nodes))
        else:
            raise InputError("nothing about registrations in it", where=name, expected=EXPECTED)
        for one in found:
            self._take(one)

    def where(self) -> dict[str, str | None]:
        """Each device, and the node where it is registered: by the newest time, of those that say so; None: nowhere."""
        return {name: one.node if one.is_registered else None for name, one in self._where.items()}

    def _take(self, one: Registration) -> None:
        self.count += 1
        before = self._where.setdefault(one.device, one)
        if (one.is_registered, one.since) >= (before.is_registered, before.since):
            self._where[one.device] = one

    def _of_elements(self, some: Iterable[Element]) -> Iterator[Registration]:
        node, code, device = "", "", dict[str, str]()
        for path, text, _ in some:
            if path[-3:-1] == ("CmDevices", "item"):
                device[path[-1]] = text.strip()
            elif path[-2:] == ("CmDevices", "item"):
                yield _registration(node, device)
                device = {}
            elif path[-3:] == ("CmNodes", "item", "ReturnCode"):
                code = text.strip()
            elif path[-3:] == ("CmNodes", "item", "Name"):
                node = text.strip()
                self._answered(node, code)

    def _of_json(self, found: Any) -> Iterator[Registration]:
        waiting = [found]
        while waiting:
            one = waiting.pop()
            if isinstance(one, list):
                waiting += reversed(one)
            elif isinstance(one, dict) and "CmDevices" in one:
                node = str(one.get("Name") or "")
                self._answered(node, str(one.get("ReturnCode") or ""))
                yield from (_registration(node, device) for device in _items(one["CmDevices"]))
            elif isinstance(one, dict):
                waiting += reversed(list(one.values()))

    def _answered(self, node: str, code: str) -> None:
        if code.lower() not in _ANSWERED:
            self.silent.append(f"{node}: {code}")

    def _of_print(self, stream: ByteStream, name: str, node: str) -> Iterator[Registration]:
        columns: list[str] = []
        for first, some in numbered(chunks(stream, name, _WORDS)):
            for number, line in enumerate(some, first):
                text = line.decode("utf-8", "replace").strip()
                cells = [cell.strip() for cell in text.split(",")]
                if cells[0] in _NAMES and "RegStatus" in cells:
                    columns = cells
                elif not text:
                    columns = []
                elif columns and len(cells) < len(columns):
                    self.bad_rows.append(f"{name}:{number}")
                elif columns:
                    yield _printed(columns, cells, node)


def _printed(columns: list[str], cells: list[str], node: str) -> Registration:
    """A row of ``show risdb``. The description may have commas, so cells are counted from the end."""
    values = dict(zip(reversed(columns), reversed(cells), strict=False))
    is_registered = values["RegStatus"].lower() in _REGISTERED
    return Registration(cells[0], node, is_registered, _seconds(values.get("RegStatusChg TimeStamp")))


def _registration(node: str, device: dict[str, Any]) -> Registration:
    status = str(device.get("Status") or "").lower()
    return Registration(str(device.get("Name") or ""), node, status in _REGISTERED, _seconds(device.get("TimeStamp")))


def _seconds(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _items(devices: Any) -> list[dict[str, Any]]:
    """A list as clients write it: as such, under ``item``, or a single one without a list."""
    found = devices.get("item", []) if isinstance(devices, dict) else devices
    some = found if isinstance(found, list) else [found]
    return [one for one in some if isinstance(one, dict)]


def _decoded(stream: ByteStream, name: str) -> Any:
    parts: list[bytes] = []
    size = 0
    while data := stream.read1(1 << 20):
        parts.append(data)
        if (size := size + len(data)) > MOST_JSON:
            raise InputError("more than 256 MiB of JSON", where=name, expected=EXPECTED)
    try:
        return msgspec.json.decode(start_as_utf8(b"".join(parts)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", where=name, expected=EXPECTED) from None


# --- which node a print is of ---------------------------------------------------------------------------------------


def node_of(nodes: Nodes, known: Iterable[str], name: str) -> str:
    """The node of the log that a name means, with a domain or without. Raises :class:`InputError` if there is none."""
    node, _ = nodes.find([host(name)])
    if node is None:
        near = did_you_mean(name, known) or f"its nodes: {', '.join(list(known)[:20])}"
        raise InputError(f"unknown node '{name}'", expected="a node of the log", hint=near)
    return node


def _node_in(name: str, known: Iterable[str]) -> str:
    """The node whose name stands in the name of a file: of several the one whose name holds the others'."""
    file = name.replace("\\", "/").rpartition("/")[2].lower()
    found = {node: text for node in known for text in (short_host(node), node.lower()) if _stands_in(text, file)}
    longest = [node for node, text in found.items() if not any(text in other != text for other in found.values())]
    if len(longest) != 1:
        raise UnknownPlace("which node was this printed on?", where=name,
                           expected="a file name that contains the name of a node")  # fmt: skip
    return longest[0]


def _stands_in(text: str, file: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])", file) is not None


# --- beside a log ---------------------------------------------------------------------------------------------------

Verdict = Literal["same", "elsewhere", "registered", "not_registered", "only_ours", "only_theirs"]

DIFFERENCES: frozenset[Verdict] = frozenset({"elsewhere", "registered", "not_registered"})
"""Verdicts about devices that both sides know, and have otherwise."""


class Compared(msgspec.Struct, frozen=True):
    """A device in a log and in a cluster.

    ``ours`` is its home in the log, null when it is not in service; ``theirs`` the node where the cluster has it
    registered, null when it is not, or is not known. ``verdict`` is ``same``; ``elsewhere``; ``registered``, though not
    in service in the log; ``not_registered``, though in service in the log; ``only_ours`` or ``only_theirs``: one side
    alone knows it.
    """

    device: str
    ours: str | None
    theirs: str | None
    verdict: Verdict


def compared(cluster: Cluster, nodes: Nodes, theirs: dict[str, str | None]) -> Iterator[Compared]:
    """Devices that both sides know in the order of the log, then those that one side knows."""
    by_name = {name.lower(): node for name, node in theirs.items()}
    for device in cluster.devices.values():
        if device.name.lower() in by_name:
            yield _compared(device, nodes, by_name[device.name.lower()])
    known = {name.lower() for name in cluster.devices}
    for device in cluster.devices.values():
        if device.name.lower() not in by_name:
            yield Compared(device.name, _home(device), None, "only_ours")
    for name, node in theirs.items():
        if name.lower() not in known:
            yield Compared(name, None, node, "only_theirs")


def _compared(device: Device, nodes: Nodes, theirs: str | None) -> Compared:
    ours = _home(device)
    node = theirs and (nodes.find([host(theirs)])[0] or theirs)
    if ours == node:
        verdict: Verdict = "same"
    elif node is None:
        verdict = "not_registered"
    else:
        verdict = "registered" if ours is None else "elsewhere"
    return Compared(device.name, ours, node, verdict)


def _home(device: Device) -> str | None:
    return device.home if device.state == "in_service" else None
