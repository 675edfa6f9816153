"""Measure ``import``: ``python tests/benchmarks/imports.py [--lines N]``. To reach: 100,000 lines/s, memory flat.

The log is made up like that of a cluster with 20,000 phones of which the log knows 2,000: registrations, alarms of
other services, CTI opens and closes, and every 100,000 lines a node that fails and returns.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

Row = tuple[str, str, str]

LINES = 500_000
PHONES = 20_000
KNOWN = 2_000
TARGET = 100_000
_TAIL = "[AppID={app}][ClusterID=StandAloneCluster][NodeID=cm{node}]: {text}"
_HEAD = "Mar  2 {clock} cm{node} local7 3 ccm: {seq}: cm{node}.example.com: Mar 02 2026 {clock}.{milli:03} UTC :  "
_ENDPOINT = (
    "%UC_CALLMANAGER-{severity}-EndPoint{change}: %[DeviceName=SEP{phone:012}][IPAddress=10.20.{high}.{low}]"
    "[Protocol=SIP][DeviceType=592][Description=Desk {phone}]{more}[IPAddrAttributes=0]"
)
_AUDIT = (
    "%UC_AUDITLOG-5-AdministrativeEvent: %[ UserID =administrator][ ClientAddress =10.20.0.9][ Severity =5]"
    "[ EventType =UserLogging][ ResourceAccessed=CUCMAdmin][ EventStatus =Success][ CompulsoryEvent =No]"
    "[ AuditCategory =AdministrativeEvent][ ComponentID =Cisco CUCM Administration][ AuditDetails =Logged in]"
)
_TRANSIENT = "%UC_CALLMANAGER-3-EndPointTransientConnection: %[ConnectingPort=5060][IPAddress=10.20.9.9][Reason=6]"
_LINK = (
    "%UC_CALLMANAGER-{severity}-SDLLink{change}: %[RemoteIPAddress=10.20.0.1{other}][LinkID=1:100:{other}:100]"
    "[LocalNodeId={node}][LocalApplicationID=100][RemoteNodeID={other}][RemoteApplicationID=100]"
)


def write_topology(path: Path) -> None:
    """Three nodes and the known phones."""
    at = '"at":"2026-03-01T00:00:00Z"'
    nodes = [f'{{"type":"node_added","node":"cm{n}",{at}}}' for n in (1, 2, 3)]
    phones = [f'{{"type":"device_added","device":"SEP{n:012}","kind":"phone",{at}}}' for n in range(KNOWN)]
    path.write_text("\n".join([*nodes, *phones, ""]))
    path.with_name("nodes.csv").write_text("node,number\ncm1,1\ncm2,2\ncm3,3\n")


def write_log(path: Path, lines: int) -> None:
    """The log of one day."""
    with path.open("w") as file:
        for number in range(lines):
            file.write(_line(number, lines) + "\n")


def _line(number: int, lines: int) -> str:
    milli = number * 86_399_000 // lines
    second = milli // 1000
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    node = 1 + number % 2
    head = _HEAD.format(clock=clock, node=node, seq=number // 2, milli=milli % 1000)
    body = _body(number, node)
    return head + body + _TAIL.format(app="Cisco CallManager", node=node, text="as it happened")


def _body(number: int, node: int) -> str:
    if number % 100_000 in (50_000, 52_000):
        change = ("OOS", "ISV")[number % 100_000 == 52_000]
        return _LINK.format(severity=1, change=change, node=node, other=3 - node)
    kind = number % 10
    if kind < 6:
        phone = number * 7_919 % PHONES
        gone = number // PHONES % 2
        change, more = (("Registered", ""), ("Unregistered", "[Reason=13]"))[gone]
        return _ENDPOINT.format(
            severity=3 if gone else 6, change=change, phone=phone, more=more, high=phone >> 8, low=phone & 255
        )
    return _TRANSIENT if kind == 6 else _AUDIT


def rows(folder: Path, lines: int = LINES) -> list[Row]:
    """Import a log and one four times as long; time of the first, peak memory of both."""
    write_topology(folder / "topology.ndjson")
    found = []
    for name, count in (("day", lines), ("long", lines * 4)):
        write_log(folder / f"{name}.log", count)
        found.append(_run(folder, name, count))
    (rate, memory), (_, more) = found
    size = (folder / "day.log").stat().st_size / 1e6
    return [
        (
            f"import a syslog of {lines:,} lines ({size:.0f} MB)",
            f"{rate:,.0f} lines a second of processor time",
            f"≥ {TARGET:,} lines/s",
        ),
        ("peak memory of an import four times as long", f"{memory:.0f} → {more:.0f} MiB", "flat"),
    ]


def _run(folder: Path, name: str, count: int) -> tuple[float, float]:
    """Lines a second of processor time, the start of the process included, and peak memory in MiB of one import."""
    store = folder / f"{name}.db"
    cli = (sys.executable, "-m", "cti_es_cli")
    topology = str(folder / "topology.ndjson")
    subprocess.run([*cli, "append", store, "--from", topology], check=True, capture_output=True)
    script = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    command = [sys.executable, "-c", script, *cli, "import", str(store), str(folder / f"{name}.log")]
    command += ["--nodes", str(folder / "nodes.csv")]
    seconds, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return count / float(seconds), int(peak) / (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Run it and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="cti-es-import-") as folder:
        print("| what | measured | to reach |\n|---|---|---|")
        for row in rows(Path(folder), options.lines):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
