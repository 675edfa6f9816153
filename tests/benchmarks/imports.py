"""Measure ``import``: ``python tests/benchmarks/imports.py [--lines N]``. To reach: 150,000 lines/s, memory flat.

The logs are made up like those of a cluster with 20,000 phones of which the log knows 2,000: registrations, alarms of
other services, and every 100,000 lines a node that fails and returns; in the forms in which they reach an engineer.
"""

import argparse
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

Row = tuple[str, str, str]

_CDR_COLUMNS = (
    "cdrRecordType", "globalCallID_callManagerId", "globalCallID_callId", "origLegCallIdentifier",
    "dateTimeOrigination", "origNodeId", *(f"other{n}" for n in range(50)), "destLegIdentifier", "destNodeId",
    *(f"another{n}" for n in range(60)), "dateTimeConnect", "dateTimeDisconnect", "origDeviceName", "destDeviceName",
)  # fmt: skip
LINES = 500_000
PHONES = 20_000
KNOWN = 2_000
TARGET = 150_000
_TAIL = "[AppID=Cisco CallManager][ClusterID=StandAloneCluster][NodeID=cm{node}]: as it happened"
_PREFIX = "Mar  2 {clock} cm{node} local7 3 ccm: "
_HEAD = "{seq}: cm{node}.example.com: Mar 02 2026 {clock}.{milli:03} UTC :  "
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


def own(number: int, lines: int) -> str:
    """A line of a node's own syslog."""
    return _PREFIX.format(**_when(number, lines)) + _record(number, lines, PHONES)


def collected(number: int, lines: int) -> str:
    """The same line, sent to a syslog server, which has put its stamp and the address in front."""
    return "Mar  2 {clock} 10.20.0.1{node} ".format(**_when(number, lines)) + _record(number, lines, PHONES)


def among_others(number: int, lines: int) -> str:
    """The same; of three lines two are of other programs."""
    if number % 3 == 0:
        return own(number, lines)
    when = _when(number, lines)
    return (
        "Mar  2 {clock} cm{node} authpriv 6 sshd[{seq}]: Accepted publickey for admin from 10.20.9.9 port {seq}".format(
            **when
        )
    )


def known(number: int, lines: int) -> str:
    """The own syslog of a cluster all of whose phones the log knows."""
    return _PREFIX.format(**_when(number, lines)) + _record(number, lines, KNOWN)


def sdl(number: int, lines: int) -> str:
    """A line of an SDL trace: a signal, or the alarm of a phone."""
    when = _when(number, lines)
    stamp = "{seq:08}.{node:03} |{clock}.{milli:03} |".format(**when)
    phone = number * 7_919 % PHONES
    if number % 10 == 0:
        return (f"{stamp}AlarmErr |AlarmClass: CallManager, AlarmName: EndPointUnregistered, AlarmSeverity: Error, "
                f"AlarmMessage: , AlarmDescription: An endpoint has unregistered, AlarmParameters: "
                f"DeviceName:SEP{phone:012}, Reason:13, AppID:Cisco CallManager, ClusterID:C, NodeID:cm{when['node']},")  # fmt: skip
    return (f"{stamp}SdlSig   |StationInputKeepAlive |restart0 |StationInit(1,100,63,1) |StationD(1,100,64,{phone}) "
            f"|1,100,14,{phone}.{number}^10.20.{phone >> 8}.{phone & 255}^SEP{phone:012} |[R:N-H:0,N:0,L:0,V:0,Z:0,D:0]")  # fmt: skip


def cdr(number: int, lines: int) -> str:
    """A row of a CDR file with the columns of release 10, of which we need few."""
    if number == 0:
        return ",".join(f'"{name}"' for name in _CDR_COLUMNS)
    began = 1_772_409_600 + number * 86_000 // lines
    caller, called = (f"SEP{number * step % PHONES:012}" for step in (7_919, 104_729))
    cells = {"cdrRecordType": 1, "globalCallID_callManagerId": 1, "globalCallID_callId": number,
             "origLegCallIdentifier": 2 * number, "destLegIdentifier": 2 * number + 1, "dateTimeOrigination": began,
             "dateTimeConnect": began + 3, "dateTimeDisconnect": began + 60, "origDeviceName": f'"{caller}"',
             "destDeviceName": f'"{called}"', "origNodeId": 1, "destNodeId": 2}  # fmt: skip
    return ",".join(str(cells.get(name, 0)) for name in _CDR_COLUMNS)


Line = Callable[[int, int], str]
SHAPES: dict[str, tuple[Line, bool]] = {
    "a node's own syslog": (own, False),
    "the same, packed with gzip": (own, True),
    "sent to a syslog server": (collected, False),
    "among twice as many lines of other programs": (among_others, False),
    "every phone is known to the log": (known, False),
    "an SDL trace": (sdl, False),
    "CDR": (cdr, False),
}
"""What is imported: how to write a line of it, and whether it is packed."""


def write_log(path: Path, lines: int, line: Line = own, *, is_packed: bool = False) -> None:
    """The log of one day."""
    with gzip.open(path, "wt", compresslevel=6) if is_packed else path.open("w") as file:
        for number in range(lines):
            file.write(line(number, lines) + "\n")


def _when(number: int, lines: int) -> dict[str, object]:
    """Time of day, node and sequence number of a line."""
    milli = number * 86_399_000 // lines
    second = milli // 1000
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return {"clock": clock, "milli": milli % 1000, "node": 1 + number % 2, "seq": number // 2}


def _record(number: int, lines: int, phones: int) -> str:
    when, node = _when(number, lines), 1 + number % 2
    return _HEAD.format(**when) + _body(number, node, phones) + _TAIL.format(node=node)


def _body(number: int, node: int, phones: int) -> str:
    if number % 100_000 in (50_000, 52_000):
        change = ("OOS", "ISV")[number % 100_000 == 52_000]
        return _LINK.format(severity=1, change=change, node=node, other=3 - node)
    kind = number % 10
    if kind < 6:
        phone = number * 7_919 % phones
        gone = number // phones % 2
        change, more = (("Registered", ""), ("Unregistered", "[Reason=13]"))[gone]
        return _ENDPOINT.format(
            severity=3 if gone else 6, change=change, phone=phone, more=more, high=phone >> 8, low=phone & 255
        )
    return _TRANSIENT if kind == 6 else _AUDIT


def rows(folder: Path, lines: int = LINES) -> list[Row]:
    """The slowest shape first; then the peak memory of an import and of one four times as long."""
    write_topology(folder / "topology.ndjson")
    rates: list[tuple[float, str]] = []
    for shape, (line, is_packed) in SHAPES.items():
        path = folder / "day"
        write_log(path, lines, line, is_packed=is_packed)
        rates.append((_run(folder, path, lines)[0], shape))
    found = [(shape, f"{rate:,.0f} lines a second of processor time", f"≥ {TARGET:,}") for rate, shape in sorted(rates)]
    peaks = []
    for count in (lines, lines * 4):
        write_log(folder / "long.log", count)
        peaks.append(_run(folder, folder / "long.log", count)[1])
    return [*found, ("peak memory of an import four times as long", f"{peaks[0]:.0f} → {peaks[1]:.0f} MiB", "flat")]


def _run(folder: Path, log: Path, count: int) -> tuple[float, float]:
    """Lines a second of processor time, the start of the process included, and peak memory in MiB of one import."""
    store = folder / "new.db"
    for file in folder.glob("new.db*"):
        file.unlink()
    cli = (sys.executable, "-m", "cti_es_cli")
    topology = str(folder / "topology.ndjson")
    subprocess.run([*cli, "append", store, "--from", topology], check=True, capture_output=True)
    script = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    command = [sys.executable, "-c", script, *cli, "import", str(store), str(log)]
    command += ["--nodes", str(folder / "nodes.csv"), "--date", "2026-03-02"]
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
