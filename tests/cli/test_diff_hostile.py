"""Hostile traces: whatever stands in a file, ``diff`` and ``lint`` end soon, with little memory and a sentence."""

import subprocess
import sys
import time

import pytest

ROW = '{"message":"PHONE_STATE","param1":262144,"param2":1,"device":"D"'
HOSTILE = {
    "a line of 50 MB": lambda: "x" * 50_000_000,
    "a message of 50 MB": lambda: ROW + ',"x":"' + "x" * 50_000_000 + '"}\n',
    "100,000 fields of text": lambda: "received PHONE_STATE device = x1 " + "param1 = x1 " * 100_000 + "\n",
    "100,000 fields of JSON": lambda: ROW + "".join(f',"{n}":1' for n in range(100_000)) + "}\n",
    "fields up to 1 MiB": lambda: "received PHONE_STATE device = x1 " + "param1 = x1 " * 80_000 + "\n",
    "deeply nested JSON": lambda: ROW + ',"x":' + "[" * 500_000 + "]" * 500_000 + "}\n",
    "deeply nested objects": lambda: ROW + ',"x":' + '{"a":' * 170_000 + "1" + "}" * 170_000 + "}\n",
    "a million columns": lambda: "message,param1,param2,device" + ",c" * 1_000_000 + "\n",
    "500,000 columns and rows of them": lambda: (
        "message,param1,param2,device" + ",c" * 500_000 + "\n" + ("PHONE_STATE,262144,1,D" + "," * 500_000 + "\n") * 20
    ),
    "60,000 open quotes": lambda: "message,param1,param2,device\n" + 'PHONE_STATE,1,1,"' * 60_000 + "\n",
    "500,000 empty messages": lambda: "received PHONE_STATE\n" * 500_000,
    "a number of 1 MB": lambda: ROW.replace("262144", "9" * 1_000_000) + "}\n",
}
SECONDS = 20
MEGABYTES = 300
"""Some ten times of what it takes, for busy machines; a quadratic reader would need hours."""


_MEASURE = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "cti_es_cli", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measured(folder, environment, *arguments):
    """Run cti-es: its exit code, standard error, and the most memory it had, in megabytes.

    From a small process between: the most memory of a process counts what its parent had when it was started.
    """
    command = [sys.executable, "-c", _MEASURE, *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    code, most = map(int, result.stdout.split())
    return code, result.stderr.decode(), most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "events.ndjson", "hostile.txt"),
        ("diff", "events.ndjson", "hostile.txt", "--skip-bad"),
        ("diff", "hostile.txt", "events.ndjson"),
        ("lint", "hostile.txt"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_traces(name, arguments, log_file, write, tmp_path, environment):
    """It ends soon and in bounded memory: refused with a sentence, or what can be read is compared, and differs."""
    write(HOSTILE[name](), "hostile.txt")
    start = time.monotonic()
    code, errors, megabytes = measured(tmp_path, environment(), *arguments)

    assert time.monotonic() - start < SECONDS
    assert megabytes < MEGABYTES
    assert code in ((0, 1, 2) if arguments[0] == "lint" else (1, 2)), errors
    assert bool(errors) is (code == 2)
    assert "Traceback" not in errors
    assert "fault of cti-es" not in errors
    assert len(errors) < 1_000


def test_a_hostile_file_of_handles(log_file, write, tmp_path, environment):
    """So does a file of handles with a line of 50 MB."""
    write("handle,app,device,line\n" + "x" * 50_000_000, "handles.csv")
    start = time.monotonic()
    code, errors, megabytes = measured(tmp_path, environment(), "diff", log_file, log_file, "--handles", "handles.csv")

    assert (code, errors.startswith("cti-es: handles.csv:2: a line over 1 MiB")) == (2, True)
    assert time.monotonic() - start < SECONDS
    assert megabytes < MEGABYTES
