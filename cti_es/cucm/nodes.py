"""Which node of the log a host name, a node number or an address means (docs/reference/imports.md#names-of-nodes).

What a file of nodes says comes first. A host name is otherwise the node of that name (also with a domain behind it). A
number or address is learnt from lines that give it together with a host name. Nothing is guessed: what could be two
nodes is none.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from cti_es.cucm.claims import NodeRef, SkipReason, address, host, number, short_host
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, no_file, open_bytes
from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, numbered

COLUMNS = ("node", "number", "hosts", "addresses")
MOST_LEARNT = 10_000
_HOST = host("")
_WORDS = FileWords(f"CSV with the columns {', '.join(COLUMNS)}", "a node a line", "is this a file of nodes?")


class Nodes:
    """The nodes of a log, ``known`` by their names there, and what else they are called (``given``)."""

    def __init__(self, known: Iterable[str], given: dict[NodeRef, str] | None = None) -> None:
        self._given = given or {}
        hosts = [(ref.removeprefix(_HOST), node) for ref, node in self._given.items() if ref.startswith(_HOST)]
        self._given_hosts = _by_host(hosts)
        self._hosts = _by_host((node, node) for node in known)
        self._learnt: dict[NodeRef, set[NodeRef]] = {}

    def learn(self, one: NodeRef, other: NodeRef) -> None:
        """Two references mean the same node."""
        if len(self._learnt) < MOST_LEARNT:
            self._learnt.setdefault(one, set()).add(other)
            self._learnt.setdefault(other, set()).add(one)

    def find(self, refs: Iterable[NodeRef]) -> tuple[str | None, SkipReason]:
        """The node that the first of these references names which names any; else None and why."""
        why: SkipReason = "unknown_node"
        for ref in refs:
            found = self._found(ref)
            if len(found) == 1:
                return found.pop(), why
            if found:
                why = "ambiguous_node"
        return None, why

    def _found(self, ref: NodeRef) -> set[str]:
        """The nodes that a reference may mean: directly, or by what was learnt to mean the same."""
        seen, waiting, found = {ref}, [ref], set[str]()
        while waiting:
            here = self._directly(one := waiting.pop())
            found |= here
            if not here and one.startswith(("number ", "address ")):
                new = self._learnt.get(one, set()) - seen
                seen |= new
                waiting += sorted(new)
        return found

    def _directly(self, ref: NodeRef) -> set[str]:
        if ref in self._given:
            return {self._given[ref]}
        kind, _, name = ref.partition(" ")
        if kind == "host":
            return (
                self._given_hosts.get(short_host(name))
                or self._hosts.get(name)
                or self._hosts.get(short_host(name), set())
            )
        return set(self._hosts.get(name, ())) if kind == "address" else set()


def _by_host(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """(Host name, node) pairs → the nodes of each name, with a domain and without."""
    nodes: dict[str, set[str]] = {}
    for name, node in pairs:
        for one in {name.lower(), short_host(name)}:
            nodes.setdefault(one, set()).add(node)
    return nodes


def read_nodes(path: str | Path, known: Iterable[str], limit: UnpackLimit = UNPACK_LIMIT) -> dict[NodeRef, str]:
    """A file of nodes: CSV with the columns node, and any of number, hosts, addresses (several with blanks between).

    ``known`` are the nodes of the log, ``limit`` is how much may come out of gzip. Raises OSError, and
    :class:`InputError` with the line.
    """
    if not Path(path).is_file() and not Path(path).is_fifo():
        raise no_file(Path(path), _WORDS.file)
    with open_bytes(Path(path), limit) as stream:
        return _given(_rows(_lines(stream, str(path)), str(path)), dict.fromkeys(known))


def _given(rows: Iterable[tuple[str, dict[str, str]]], nodes: Collection[str]) -> dict[NodeRef, str]:
    given: dict[NodeRef, str] = {}
    for where, row in rows:
        node = row.get("node", "").strip()
        if node not in nodes:
            hint = did_you_mean(node, nodes) or f"its nodes: {', '.join(islice(nodes, 20))}"
            raise InputError(f"unknown node '{node}'", where=where, expected="a node of the log", hint=hint)
        for ref in _refs(row):
            check_name(ref.partition(" ")[2], where)
            check_name(ref, where)
            _check_number(ref, where)
            if given.setdefault(ref, node) != node:
                raise InputError(f"{ref} stands for '{given[ref]}' and '{node}'", where=where, expected="one node")
    return given


def _lines(stream: ByteStream, name: str) -> Iterator[str]:
    for first, lines in numbered(chunks(stream, name, _WORDS)):
        for line_number, line in enumerate(lines, first):
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise InputError("not UTF-8", where=f"{name}:{line_number}", expected=_WORDS.file) from None


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.reader(lines)
    header: list[str] | None = None
    try:
        for row in reader:
            where = f"{name}:{reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _header([cell.strip().lower() for cell in row], where)
            elif len(row) > len(header):
                raise InputError(f"{len(row)} columns", where=where, expected=f"{len(header)}, as in the first line")
            else:
                yield where, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", where=f"{name}:{reader.line_num}") from None
    if header is None:
        raise InputError("nothing in it", where=name, expected=_WORDS.file)


def _header(names: list[str], where: str) -> list[str]:
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            raise InputError(f"the column '{name}'", where=where, expected=f"each of {', '.join(COLUMNS)} at most once",
                             hint=did_you_mean(name, COLUMNS))  # fmt: skip
    if "node" not in names:
        raise InputError("no column 'node'", where=where, expected=f"the columns {', '.join(COLUMNS)}")
    return names


def _check_number(ref: NodeRef, where: str) -> None:
    kind, _, text = ref.partition(" ")
    if kind == "number" and not (text.isascii() and text.isdigit()):
        raise InputError(f"the number '{text}'", where=where, expected="the number of a node, such as 2")


def _refs(row: dict[str, str]) -> Iterator[NodeRef]:
    if text := row.get("number", "").strip():
        yield number(text)
    yield from map(host, row.get("hosts", "").replace(";", " ").split())
    yield from map(address, row.get("addresses", "").replace(";", " ").split())
