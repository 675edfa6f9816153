"""Event logs as files: whatever way they are written and cut into chunks, the same events or the same first error."""

import json
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import (
    COMMON,
    EXAMPLES,
    FIELDS,
    LOG_EXAMPLES,
    Json,
    as_json,
    canonical_objects,
    corpus,
    random_log,
)

from cti_es.logs.ndjson import read_events, write_events
from cti_es.vocabulary import text_lines as line_reader
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import read_event
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.text_lines import MAX_LINE

NODE = b'{"type":"node_added","node":"cm1"}'
SMALL = (
    b'{"type":"node_added","node":"cm1","at":"2026-01-01T08:00:00Z"}',
    b'{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"],"group":["cm1"]}',
    '{"type":"device_opened","device":"P","app":"K\u00f6nig \u260e \U0001f4de"}'.encode(),
    b'{"type":"node_failed","node":"cm1","at":"2026-01-01T08:00:01.250000Z","id":"e4"}',
)


class Pipe:
    """A stream that gives exactly these pieces, one at a time, and says how many it has given."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.given = 0

    def read1(self, size: int = -1, /) -> bytes:
        """The next piece."""
        self.given += 1
        return self._pieces.pop(0) if self._pieces else b""


def pieces(data: bytes, size: int) -> Pipe:
    """A stream that gives ``data`` in pieces of this size."""
    return Pipe(*(data[start : start + size] for start in range(0, len(data), size)))


def read(stream: Pipe | bytes) -> list[tuple[int, bytes]]:
    """Line number and canonical form of every event."""
    found = []
    for lines in read_events(Pipe(stream) if isinstance(stream, bytes) else stream, "log"):
        assert len(lines.numbers) == len(lines.events) > 0
        assert lines.canonical in (None, encode(lines.events))
        found += [(number, encode(event)) for number, event in zip(lines.numbers, lines.events, strict=True)]
    return found


def one_by_one(data: bytes) -> list[tuple[int, bytes]]:
    """The same, the slow and careful way: line by line."""
    lines = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    return [(number, encode(read_event(line, f"log:{number}"))) for number, line in lines if line.strip(b" \t\r")]


def outcome(way: Any, data: bytes) -> object:
    """The events, or the error in words."""
    try:
        return way(data)
    except InputError as error:
        return str(error)


def refused(stream: Pipe | bytes) -> InputError:
    """The error that a file brings."""
    with pytest.raises(InputError) as error:
        read(stream)
    return error.value


def ascii_log(seed: int, size: int) -> list[Json]:
    """A log as programs write it: nothing but printable ASCII, no nulls."""
    return [{key: value for key, value in event.items() if value is not None} for event in random_log(seed, size)]


# Lines, blanks and chunks.


def test_every_line_is_an_event() -> None:
    """One event a line, with its line number; the last line may lack its end; nothing is nothing."""
    data = b"\n".join(SMALL)

    assert read(data) == read(data + b"\n") == list(enumerate(SMALL, 1))
    assert read(b"") == read(b"\n") == read(b" \r\n\t\n") == []


def test_blank_lines_are_no_events_but_count() -> None:
    """Empty lines and lines of blanks are skipped; the numbers are those of the file."""
    data = b"\n \t\n" + SMALL[0] + b"\n\n\r\n" + SMALL[1] + b"\n   " + SMALL[3] + b"  \n\n"

    assert read(data) == [(3, SMALL[0]), (6, SMALL[1]), (7, SMALL[3])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_line_ends_of_any_system(end: bytes) -> None:
    """CRLF is as good as LF."""
    assert read(end.join(SMALL) + end) == list(enumerate(SMALL, 1))


WRITTEN = {
    "UTF-8": b"\n".join(SMALL),
    "UTF-8, CRLF, blank lines": b"\r\n\r\n".join(SMALL) + b"\r\n",
    "UTF-8 with byte-order mark": b"\xef\xbb\xbf" + b"\n".join(SMALL),
    "UTF-16, little end first": b"\xff\xfe" + b"\n".join(SMALL).decode().encode("utf-16-le"),
    "UTF-16, big end first": b"\xfe\xff" + b"\n".join(SMALL).decode().encode("utf-16-be"),
}


@pytest.mark.parametrize("data", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("size", [*range(1, 17), 61, 62, 63, 64, 1000])
def test_pieces_make_no_difference(data: bytes, size: int) -> None:
    """A stream that gives its bytes in any pieces, as a pipe may, gives the same events."""
    assert [event for _, event in read(pieces(data, size))] == list(SMALL)
    assert read(pieces(data, size)) == read(data)


@pytest.mark.parametrize("chunk", [1, 3, 100, 1 << 18])
def test_chunk_size_makes_no_difference(chunk: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Reading a file in chunks of any size gives the same events and numbers."""
    path = tmp_path / "log.ndjson"
    path.write_bytes(b"".join(as_json(event) + b"\n" for event in ascii_log(3, 60)) + b"\n" + WRITTEN["UTF-8"])
    expected = one_by_one(path.read_bytes())
    monkeypatch.setattr(line_reader, "_CHUNK", chunk)
    with path.open("rb") as stream:
        found = [pair for lines in read_events(stream, "log") for pair in zip(lines.numbers, lines.events, strict=True)]

    assert [(number, encode(event)) for number, event in found] == expected


def test_events_come_as_soon_as_their_lines_are_there() -> None:
    """A pipe is not waited for: the first line is given before the next piece is asked for."""
    pipe = Pipe(SMALL[0] + b"\n", SMALL[1] + b"\n")
    first = next(read_events(pipe, "log"))

    assert [encode(event) for event in first.events] == [SMALL[0]]
    assert pipe.given == 1


def test_byte_order_mark_that_comes_alone() -> None:
    """A writer that sends the mark first and the lines later is read to its end."""
    assert read(Pipe(b"\xef\xbb\xbf", SMALL[0] + b"\n", SMALL[1])) == [(1, SMALL[0]), (2, SMALL[1])]
    assert read(Pipe(b"\xef", b"\xbb\xbf", SMALL[0])) == [(1, SMALL[0])]
    assert read(Pipe(b"\xff\xfe", SMALL[0].decode().encode("utf-16-le"))) == [(1, SMALL[0])]


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf\n"], ids=repr)
def test_byte_order_mark_alone_is_an_empty_log(data: bytes) -> None:
    """A file with nothing but a mark has no events."""
    assert read(data) == []


def test_write_events_is_canonical_and_comes_back() -> None:
    """What is written is one canonical line an event, ended by a newline, and reads as the same events."""
    for log in corpus()[:50]:
        events = [read_event(as_json(event), "") for event in log]
        data = write_events(events)

        assert data == b"".join(encode(event) + b"\n" for event in events)
        assert [event for _, event in read(data)] == data.splitlines()


# The fast way and the careful way.


@LOG_EXAMPLES
@given(st.lists(canonical_objects(), max_size=8), st.randoms(use_true_random=False))
def test_any_way_to_write_a_log_gives_the_same_events(log: list[Json], random: Random) -> None:
    """Blanks, escapes, field order, CRLF, nulls, blank lines: the events are those of the canonical lines."""
    plain = b"".join(as_json(event) + b"\n" for event in log)
    odd = b"".join(written_oddly(event, random) for event in log)

    assert read(plain) == list(enumerate(map(as_json, log), 1))
    assert [event for _, event in read(odd)] == [event for _, event in read(plain)]


def written_oddly(event: Json, random: Random) -> bytes:
    """An event as somebody else's program might write it, perhaps with a blank line before it."""
    optional = [field[:-1] for field in {**FIELDS[event["type"]], **COMMON} if field.endswith("?")]
    nulls = [field for field in optional if field not in event and random.random() < 0.3]
    fields = list({**event, **dict.fromkeys(nulls)}.items())
    if random.random() < 0.5:
        random.shuffle(fields)
    separators = random.choice([(",", ":"), (", ", ": "), (" ,\t", " : ")])
    line = json.dumps(dict(fields), ensure_ascii=random.random() < 0.5, separators=separators)
    return (random.choice(["", "", "\n", " \r\n"]) + line + random.choice(["\n", "\r\n", " \t\n"])).encode()


def test_fast_way_is_the_careful_way_on_the_corpus() -> None:
    """Whole logs read in batches are the same as read line by line."""
    for seed in range(50):
        log = ascii_log(seed, 80)
        for data in (
            b"".join(as_json(event) + b"\n" for event in log),
            b"".join(json.dumps(event).encode() + b"\r\n" for event in log),
            b"".join(as_json(dict(sorted(event.items()))) + b"\n" for event in log),
        ):
            assert read(data) == one_by_one(data)


SPOILT: dict[str, bytes] = {
    "two times in one": b'{"type":"node_added","node":"a","at":"2026-01-01T08:00:00Z2026-01-01T08:00:00Z"}',
    "one time on two lines": (
        b'{"type":"node_added","node":"a","at":"2026-01-01T08"}\n{"type":"node_added","node":"b","at":":00:00Z"}'
    ),
    "no time": b'{"type":"node_added","node":"a","at":""}',
    "time of another form": b'{"type":"node_added","node":"a","at":"2026-01-01T09:00:00+01:00"}',
    "fraction of zeros": b'{"type":"node_added","node":"a","at":"2026-01-01T09:00:00.000000Z"}',
    "day that is not": b'{"type":"node_added","node":"a","at":"2026-02-29T09:00:00Z"}',
    "day that is": b'{"type":"node_added","node":"a","at":"2026-01-31T09:00:00Z"}',
    "empty name": b'{"type":"node_added","node":""}',
    "empty name in a list": b'{"type":"device_opened","device":"P","lines":["1",""]}',
    "empty id": b'{"type":"node_added","node":"a","id":""}',
    "long name": b'{"type":"node_added","node":"%b"}' % (b"n" * 129),
    "longest name": b'{"type":"node_added","node":"%b"}' % (b"n" * 128),
    "longest name, many bytes": '{{"type":"node_added","node":"{}"}}'.format("\u260e" * 128).encode(),
    "long name, many bytes": '{{"type":"node_added","node":"{}"}}'.format("\u260e" * 129).encode(),
    "delete": b'{"type":"node_added","node":"a\x7f"}',
    "control character": b'{"type":"node_added","node":"a\x01"}',
    "escaped control character": b'{"type":"node_added","node":"a\\u0001"}',
    "C1": '{"type":"node_added","node":"a\u0085"}'.encode(),
    "override": '{"type":"node_added","node":"a\u202e"}'.encode(),
    "escaped override": b'{"type":"node_added","node":"a\\u202e"}',
    "field twice": b'{"type":"node_added","node":"a","node":"a"}',
    "field twice, one empty": b'{"type":"node_added","node":"","node":"a"}',
    "list twice": b'{"type":"device_opened","device":"P","lines":[],"lines":[]}',
    "null twice": b'{"type":"node_added","node":"a","at":null,"at":null}',
    "null and a value": b'{"type":"node_added","at":null,"node":"a","at":"2026-01-01T08:00:00Z"}',
    "null": b'{"type":"node_added","node":"a","at":null}',
    "escaped key": b'{"type":"node_added","n\\u006fde":"a"}',
    "two objects": NODE + NODE,
    "not JSON": b"node_added",
    "not UTF-8": b'{"type":"node_added","node":"\xff"}',
    "NUL": b'{"type":"node_added","node":"a\x00"}',
    "vertical tab": b"\x0b",
    "form feed": b"\x0c",
    "no-break space": b"\xc2\xa0",
}


def reference(data: bytes) -> object:
    """What line-by-line reading makes of a file; a NUL byte is found before any line is."""
    return "log: a binary file" if b"\x00" in data else outcome(one_by_one, data)


@pytest.mark.parametrize("line", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("place", [0, 1, 4])
def test_one_line_among_plain_ones_is_read_as_if_alone(line: bytes, place: int) -> None:
    """A line that wants a closer look gets it wherever it stands: the same event, or the same error at its number."""
    lines = [encode(read_event(as_json(event), "")) for event in ascii_log(1, 4)]
    data = b"\n".join([*lines[:place], line, *lines[place:]]) + b"\n"

    assert str(outcome(read, data)).startswith(str(reference(data)))


@pytest.mark.parametrize("line", SPOILT.values(), ids=SPOILT)
def test_what_is_accepted_is_canonical(line: bytes) -> None:
    """Whatever comes out of a file, however fast it was read, can go back in: same events, no error."""
    first = outcome(read, line)
    if isinstance(first, list):
        again = b"\n".join(event for _, event in first)

        assert [event for _, event in one_by_one(again)] == again.split(b"\n")


@LOG_EXAMPLES
@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(list(range(12)))), max_size=4))
def test_spoilt_logs_are_read_as_line_by_line(seed: int, spoils: list[tuple[int, int]]) -> None:
    """A valid log with some bytes changed gives the same events, or the same error at the same line, as line by line."""
    data = b"".join(as_json(event) + b"\n" for event in ascii_log(seed, 15))
    for place, way in spoils:
        data = spoil(data, place % (len(data) + 1), way)

    assert str(outcome(read, data)).startswith(str(reference(data)))


def spoil(data: bytes, place: int, way: int) -> bytes:
    """Change a log at a place: cut, double, insert, replace."""
    line = data[data.rfind(b"\n", 0, place) + 1 :].partition(b"\n")[0]
    inserted = [b'"', b"\\", b"\n", b" ", b"\x7f", b"\xff", b'""', b",", b"null"]
    if way < len(inserted):
        return data[:place] + inserted[way] + data[place:]
    return [
        data[:place] + data[place + 1 :],
        data[:place] + data[place : place + 20] * 2 + data[place + 20 :],
        data.replace(line, line[:-1] + b"," + line[1:], 1) if line else data,
    ][way - len(inserted)]


# A bad line is found where it is.


@pytest.mark.parametrize(
    "bad", [SPOILT[name] for name in ("field twice", "not JSON", "delete", "not UTF-8", "no time")]
)
def test_bad_line_is_found_with_its_true_number(bad: bytes) -> None:
    """The first bad line is named by its number in the file, blank lines counted, wherever it stands."""
    lines = [as_json(event) for event in ascii_log(2, 12)]
    for place, blank in product(range(13), (b"", b"\n \n")):
        data = blank + b"\n".join([*lines[:place], bad, *lines[place:], bad])

        assert refused(data).where.split(": ")[0] == f"log:{place + 1 + blank.count(10)}"


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_bad_line_is_found_in_any_chunk(size: int) -> None:
    """Line numbers go on from chunk to chunk; what stands before the bad line has been given."""
    lines = [as_json(event) for event in ascii_log(2, 40)]
    stream = pieces(b"\n".join([*lines, b"", b"{}", *lines]), size)
    found: list[int] = []
    with pytest.raises(InputError) as error:
        found += [number for batch in read_events(stream, "log") for number in batch.numbers]

    assert error.value.where == "log:42: $.type"


@pytest.mark.parametrize("field", ["type", "device", "kind", "lines", "group", "at", "id"])
@pytest.mark.parametrize("same", [True, False], ids=["same value", "other value"])
def test_repeated_key_is_refused_wherever_it_stands(field: str, same: bool) -> None:
    """A key that stands twice is refused: in front, at the end, in any line, next to any other line."""
    found = {
        "type": "device_added", "device": "P", "kind": "phone", "lines": ["1"], "group": ["cm1"],
        "at": "2026-01-01T08:00:00Z", "id": "e1",
    }  # fmt: skip
    others = {
        "type": "device_added",
        "device": "Q",
        "kind": "phone",
        "lines": [],
        "group": ["cm2"],
        "at": None,
        "id": "x",
    }
    text = as_json(found)
    again = as_json({field: found[field] if same else others[field]})[1:-1]
    for line in (text[:-1] + b"," + again + b"}", b"{" + again + b"," + text[1:]):
        for data in (line, NODE + b"\n" + line, line + b"\n" + NODE, b"\n" + line + b"\n" + "\u00f6".encode()):
            error = refused(data)

            assert error.where.split(": ")[0] == f"log:{1 + data[: data.index(line)].count(10)}"
            assert f"'{field}' stands twice" in error.what


# Sizes.

MARGINS = {"longest": (0, True), "one byte over": (1, False), "far over": (1 << 18, False), "twice": (MAX_LINE, False)}


def long_line(kind: str, size: int) -> bytes:
    """A valid line of exactly this many bytes: padded with blanks, or with a long list of plain or other names."""
    if kind == "blanks":
        return NODE[:-1] + b" " * (size - len(NODE)) + b"}"
    start, end = b'{"type":"device_opened","device":"P","lines":[', b"]}"
    name = b'"1234567",' if kind == "plain list" else '"12345\u00f6",'.encode()
    room = size - len(start) - len(end)
    names = name * (room // len(name) - 1)
    return start + names + b'"%b"' % (b"9" * (room - len(names) - 2)) + end


@pytest.mark.parametrize("kind", ["plain list", "other list", "blanks"])
@pytest.mark.parametrize(("margin", "fits"), MARGINS.values(), ids=MARGINS)
@pytest.mark.parametrize("place", ["alone", "first", "last"])
def test_line_of_one_mebibyte_fits_and_not_a_byte_more(kind: str, margin: int, fits: bool, place: str) -> None:
    """A line may have 2**20 bytes; a longer one is an error with its number, whatever it holds and follows."""
    line = long_line(kind, MAX_LINE + margin)
    data = {"alone": line, "first": line + b"\n" + NODE, "last": NODE + b"\n" + line + b"\n"}[place]
    assert len(line) == MAX_LINE + margin
    stream = pieces(data, 1 << 18)

    if fits:
        assert len(read(stream)) == (1 if place == "alone" else 2)
    else:
        assert str(refused(stream)).startswith(f"log:{2 if place == 'last' else 1}: a line over 1 MiB")


def test_endless_line_is_not_read_to_its_end() -> None:
    """A line without end is given up soon after the limit, so that memory stays bounded."""
    pipe = Pipe(*[b"x" * (1 << 18)] * 100)
    error = refused(pipe)

    assert "a line over 1 MiB" in error.what
    assert pipe.given <= 6


# Other encodings, and what is no text.


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff\xfe" + NODE.decode().encode("utf-16-le") + b"\x00", "UTF-16"),
        (b"\xff\xfe" + b"\x00\xd8" + b"\n\x00", "UTF-16"),
        (b"\xff\xfe\x00\x00" + NODE.decode().encode("utf-32-le"), ""),
        (NODE.decode().encode("utf-16-le"), "a binary file"),
        (b"SQLite format 3\x00\x10\x00", "a binary file"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "a gzip file"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (NODE + b"\n\xef\xbb\xbf" + NODE, ""),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + NODE, ""),
    ],
    ids=["odd", "half a pair", "UTF-32", "no mark", "SQLite", "gzip", "PNG", "mark inside", "two marks"],
)
def test_what_is_no_event_log_is_refused(data: bytes, what: str) -> None:
    """Damaged UTF-16, other encodings and binary files are errors that name the file."""
    error = refused(data)

    assert error.where.startswith("log")
    assert what in error.what


@EXAMPLES
@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_an_input_error(data: bytes) -> None:
    """No bytes at all bring anything but events or an error with its place."""
    found = outcome(read, data)

    assert isinstance(found, list) or str(found).startswith("log")


HEADS = [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b'{"type":', b'{"type":"node_added","node":', NODE + b"\n"]


@EXAMPLES
@given(
    st.sampled_from(HEADS), st.binary(max_size=60), st.sampled_from([b"", b"}", b'"}', b"\n" + NODE]), st.integers(1, 9)
)
def test_bytes_behind_a_good_start_are_no_danger(head: bytes, middle: bytes, end: bytes, size: int) -> None:
    """Nor do they behind a byte-order mark or the start of an event, in any pieces."""
    data = head + middle + end
    found = outcome(lambda data: read(pieces(data, size)), data)

    assert isinstance(found, list) or str(found).startswith("log")


def chopped(log: list[Json], random: Random) -> Iterator[bytes]:
    """A log as bytes with one bit flipped somewhere."""
    data = bytearray(b"".join(as_json(event) + b"\n" for event in log))
    for _ in range(20):
        place, bit = random.randrange(len(data)), 1 << random.randrange(8)
        data[place] ^= bit
        yield bytes(data)
        data[place] ^= bit


def test_flipped_bits_are_no_danger() -> None:
    """A log with a flipped bit gives the events of line-by-line reading, or its error."""
    random = Random(1)
    for seed in range(60):
        for data in chopped(ascii_log(seed, 20), random):
            assert str(outcome(read, data)).startswith(str(reference(data)))
