"""Hostile lines: whoever writes them gets an error or is passed over, and costs neither much memory nor much time.

Names, identifiers, VALUEs and damaged stores are elsewhere (tests/trust, tests/cli/test_security.py). Here it is size:
one line of up to a mebibyte that is deep, wide, repetitive or nearly right, in an event log or in a trace.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from cti_es.traces.recognise import TRACE_FORMATS

LARGE = 1_000_000
"""About as many bytes as a line may have."""

NODE = b'{"type":"node_added","node":"cm1"}\n'


def numbers(count: int) -> bytes:
    """So many names, as JSON has them in a list."""
    return b",".join(b'"%d"' % number for number in range(count))


def event(event_type: str, rest: bytes) -> bytes:
    """A line with this after its type."""
    return b'{"type":"%b",%b}\n' % (event_type.encode(), rest)


def port(lines: bytes) -> bytes:
    """A site of one node and one port with these lines."""
    return NODE + event("device_added", b'"device":"P","kind":"cti_port","lines":[%b]' % lines)


EVENTS: dict[str, Callable[[int], bytes]] = {
    "deep arrays": lambda size: b"[" * size,
    "deep objects": lambda size: b'{"a":' * (size // 5),
    "deep value": lambda size: event("node_added", b'"node":' + b"[" * (size // 2) + b"]" * (size // 2)),
    "deep unknown field": lambda size: event("node_added", b'"node":"x","z":' + b"[" * (size // 2) + b"]" * (size // 2)),
    "many unknown fields": lambda size: event("node_added", b",".join(b'"k%d":1' % n for n in range(size // 10))),
    "one field many times": lambda size: event("node_added", b'"node":"x"' + b',"at":null' * (size // 10)),
    "long type": lambda size: event("a" * size, b'"node":"x"'),
    "nearly a type": lambda size: event("node_added" * (size // 10), b'"node":"x"'),
    "long name": lambda size: event("node_added", b'"node":"%b"' % (b"a" * size)),
    "escaped name": lambda size: event("node_added", b'"node":"%b"' % (b"\\u0041" * (size // 6))),
    "many digits": lambda size: event("line_opened", b'"device":"P","line":"1","ext_version":' + b"9" * size),
    "large exponent": lambda size: event("line_opened", b'"device":"P","line":"1","ext_version":1e' + b"9" * size),
    "long time": lambda size: event("node_added", b'"node":"x","at":"2026-01-01T00:00:00.%bZ"' % (b"0" * size)),
    "blank time": lambda size: event("node_added", b'"node":"x","at":"%bZ"' % (b" " * size)),
    "braces": lambda size: b"}{" * (size // 2),
    "many lines": lambda size: port(numbers(size // 9)),
    "many lines, the last twice": lambda size: port(numbers(size // 9) + b',"%d"' % (size // 9 - 1)),
    "many lines opened": lambda size: port(numbers(size // 9)) + event("device_opened", b'"device":"P"'),
    "many lines opened by name": lambda size: port(numbers(size // 9))
    + event("device_opened", b'"device":"P","lines":[%b]' % numbers(size // 9)),
    "many lines fail": lambda size: port(numbers(size // 9))
    + event("device_opened", b'"device":"P"')
    + event("node_failed", b'"node":"cm1"'),
    "many unknown nodes": lambda size: port(b'"1"')
    + event("open_refused", b'"device":"P","nodes":[%b]' % numbers(size // 9)),
    "many CTI Managers": lambda size: event("provider_opened", b'"app":"a","cti_managers":[%b]' % numbers(size // 9)),
    "blank lines": lambda size: b"\n" * size,
    "spaces": lambda size: b" " * size,
}  # fmt: skip
"""What a log may hold: a function of its size."""

CSV_HEADER = b"seq,version,at,app,device,line,handle,message,param1,param2,param3\n"
MESSAGE = (
    b'{"app":"a","device":"P","line":null,"handle":1,"message":"PHONE_STATE","param1":262144,"param2":1,"param3":0'
)

ALARM = b"5: cm1: Mar 02 2026 09:15:00.001 UTC : %UC_CTI-4-CtiDeviceOutofService: %"

TRACES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "deep JSON": ("ndjson", lambda size: b"[" * size),
    "deep field": ("ndjson", lambda size: MESSAGE + b',"x":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}\n"),
    "many fields": ("ndjson", lambda size: MESSAGE + b"".join(b',"k%d":1' % n for n in range(size // 12)) + b"}\n"),
    "many digits": ("ndjson", lambda size: MESSAGE.replace(b"262144", b"9" * size) + b"}\n"),
    "many columns": ("csv", lambda size: b",".join(b"c%d" % n for n in range(size // 8)) + b"\n1,2\n"),
    "many empty columns": ("csv", lambda size: CSV_HEADER + b"," * size + b"\n"),
    "a quote that stays open": ("csv", lambda size: CSV_HEADER + b'"' + b"a," * (size // 2) + b"\n"),
    "quotes": ("csv", lambda size: CSV_HEADER + b'"' * size + b"\n"),
    "messages on a line": ("one-line", lambda size: b"PHONE_STATE device=1, " * (size // 22)),
    "blanks behind a name": ("one-line", lambda size: b"LINE_CLOSE" + b" " * size + b"device=1\n"),
    "arrows": ("one-line", lambda size: b"LINE_LINEDEVSTATE->" * (size // 19)),
    "times": ("tapi-browser", lambda size: b"9:5.3.42 : " * (size // 11)),
    "colons": ("tapi-browser", lambda size: b"1:" * (size // 2)),
    "flags": ("guide", lambda size: b"received PHONE_STATE\n param1 = " + b"A|" * (size // 2) + b"\n"),
    "underscores": ("guide", lambda size: b"received PHONE_STATE\n param1 = " + b"_ " * (size // 2) + b"\n"),
    "never a name": ("guide", lambda size: b"received LINE_" + b"A" * size),
    "received": ("guide", lambda size: b"received PHONE_STATE " * (size // 21)),
    "events of JTAPI": ("jtapi", lambda size: b"CiscoTermOutOfServiceEv Sending " * (size // 32) + b"\n"),
    "names of JTAPI": ("jtapi", lambda size: b"CiscoAddrInServiceEv Addr: " + b"1" * size + b"\n"),
    "blanks of JTAPI": ("jtapi", lambda size: b"CiscoAddrInServiceEv" + b" " * size + b"Addr: 1\n"),
    "tags of an alarm": ("cucm-alarms", lambda size: ALARM + b"[a=b]" * (size // 5) + b": text\n"),
    "a tag that stays open": ("cucm-alarms", lambda size: ALARM + b"[DeviceName=" * (size // 12) + b"\n"),
    "backslashes": ("cucm-alarms", lambda size: ALARM + b"[DeviceName=" + b"\\" * size + b"]: text\n"),
    "colons before an alarm": ("cucm-alarms", lambda size: b"1: " * (size // 3) + ALARM + b"\n"),
}
"""What a trace may hold: its format, and a function of its size."""

CASES = [
    *(pytest.param(["replay", "FILE", "--digest"], make, id=f"log: {name}") for name, make in EVENTS.items()),
    *(
        pytest.param(["lint", "FILE", "--trace-format", format], make, id=f"{format}: {name}")
        for name, (format, make) in TRACES.items()
    ),
]

PROBE = """
import json, sys, time
from cti_es_cli.main import main

ends = []
for path in sys.argv[2:]:
    begun = time.process_time()
    try:
        main([path if one == "FILE" else one for one in json.loads(sys.argv[1])], prog_name="cti-es")
    except SystemExit as end:
        ends.append([end.code, time.process_time() - begun])
with open("/proc/self/status") as status:
    memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps([memory, ends]))
"""
"""Runs a command for one file after the other; prints exit codes, processor times and the most memory there was."""

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


class Ran(NamedTuple):
    """What the probe has measured: exit codes, seconds of processor time, bytes; and standard error."""

    codes: list[int]
    costs: list[float]
    memory: int
    error: str


def probed(command: list[str], *files: Path) -> Ran:
    """A command for one file after the other, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(command), *map(str, files)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    memory, ends = json.loads(done.stdout.splitlines()[-1])
    return Ran([code or 0 for code, _ in ends], [cost for _, cost in ends], memory, done.stderr)


@cache
def idle(command: str) -> int:
    """The memory of a command that has nearly nothing to do."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "small"
        path.write_bytes(NODE if command == "replay" else b"\n")
        return probed([command, "FILE"], path).memory


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("command", "make"), CASES)
def test_a_large_line_costs_little(command: list[str], make: Callable[[int], bytes], tmp_path: Path) -> None:
    """A hostile line ends in exit 2 with one sentence, or is passed over; memory and time grow with it and no faster.

    Memory stays below a multiple of the line. Eight times the size takes about eight times as long, not sixty-four
    times: two sizes are compared, so that it does not matter how fast the machine is.
    """
    files = [tmp_path / "smaller", tmp_path / "larger"]
    for path, size in zip(files, (LARGE // 8, LARGE), strict=True):
        path.write_bytes(make(size))
    found = probed(command, *files)

    assert set(found.codes) in ({0}, {2})
    assert "Traceback" not in found.error
    assert found.error.count("cti-es: ") == found.codes.count(2)
    assert len(found.error) < 2 * LARGE
    assert found.memory - idle(command[0]) < 300 * LARGE
    assert found.costs[1] < 30 * max(found.costs[0], 0.01)


START = {
    "--digest": NODE,
    "guide": b"received PHONE_CLOSE\ndevice=x1\ncbInst=x0\nparam1=x0\nparam2=x0\nparam3=x0\n\n",
    "--skip-bad": MESSAGE + b"}\n",
}
"""What a file begins with, by the last word of the command: something to go on from."""


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["replay", "FILE", "--digest"], b'{"type":"node_added","node":"cm1"}\n'),
        (["replay", "FILE", "--digest"], b"\n" * 64),
        (["lint", "FILE", "--trace-format", "guide"], b"PHONE_STATE is prose\n"),
        (["lint", "FILE", "--trace-format", "ndjson", "--skip-bad"], MESSAGE + b',"x":[[[]]]\n'),
    ],
    ids=["misfits", "blank lines", "prose", "bad messages"],
)
def test_memory_does_not_grow_with_the_number_of_lines(command: list[str], line: bytes, tmp_path: Path) -> None:
    """Sixteen times as many lines take no more memory."""
    memory = []
    for name, size in (("some", 1 << 18), ("many", 1 << 22)):
        (tmp_path / name).write_bytes(START[command[-1]] + line * (size // len(line)))
        found = probed(command, tmp_path / name)
        memory.append(found.memory)
        assert found.codes == [0]

    assert memory[1] - memory[0] < 6 << 20


def test_cases_are_what_they_are_about() -> None:
    """The large cases are large, the traces have every format, and some logs are JSON from end to end."""
    assert all(LARGE // 4 < len(make(LARGE)) < 4 * LARGE for make in EVENTS.values())
    assert {format for format, _ in TRACES.values()} == set(TRACE_FORMATS) - {"line-pattern"}  # see test_line_pattern
    assert sum(is_json(make(1_000)) for make in EVENTS.values()) > 6


def is_json(text: bytes) -> bool:
    """Whether every line that is not blank is an object."""
    try:
        return all(isinstance(json.loads(line), dict) for line in text.splitlines() if line.strip())
    except (ValueError, RecursionError):
        return False
