"""Standard output that is closed, full or not there: quiet ends, honest exit codes."""

import os
import signal
import subprocess
import sys

import pytest

CLI = (sys.executable, "-m", "cti_es_cli")


@pytest.fixture
def head(tmp_path, environment):
    """Run cti-es into a pipe whose reader goes away after some lines (None: at once); exit code and standard error."""

    def run(*arguments, lines=1, **changes):
        with subprocess.Popen(
            [*CLI, *arguments],
            cwd=tmp_path,
            env=environment(changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            for _ in range(lines or 0):
                assert process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read().decode()
        return process.returncode, errors

    return run


@pytest.mark.parametrize(
    "command",
    [
        "log {big}",
        "log --ndjson {big}",
        "replay --format csv {big}",
        "export {big}",
        "log big.db",
        "generate --events 90000",
    ],
)
def test_head(command, head, big_file, quick):
    """cti-es … | head -1: the rest is not wanted, which is no error: exit 0, and nothing on standard error."""
    if "big.db" in command:
        quick("append", "big.db", "--from", big_file)

    assert head(*command.format(big=big_file).split()) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        "log site.db",
        "replay site.db --digest",
        "homes site.db",
        "logs site.db --ndjson",
        "export site.db",
        "explain site.db 1",
        "schema events",
        "generate --events 10",
        "demo",
        "--help",
        "append --help",
        "--version",
    ],
)
def test_nobody_reads(command, head, site):
    """A pipe that is closed before anything is written is as quiet: exit 0, for everything that prints."""
    code, errors = head(*command.split(), lines=None)

    assert code == 0
    assert "Traceback" not in errors
    assert "pipe" not in errors.lower()


def test_a_shell_agrees(site, big_file, tmp_path, environment):
    """In a real shell, with pipefail, the pipe as a whole succeeds and head gets its line."""
    script = f"set -o pipefail; {' '.join(CLI)} log {big_file} --ndjson | head -1"
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment(), capture_output=True)

    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b'{"version":1,')


@pytest.mark.parametrize("options", [(), ("--ndjson",), ("--format", "csv")], ids=str)
@pytest.mark.parametrize("changes", [{}, {"PYTHONUNBUFFERED": "1"}], ids=str)
def test_verify_keeps_its_verdict(options, changes, head, site, tamper):
    """A closed pipe does not turn faults into success: verify still exits 1, however output is buffered."""
    tamper(site, "DROP TRIGGER batches_no_delete", "DROP TRIGGER batches_no_update")
    code, errors = head("verify", "site.db", *options, lines=None, **changes)

    assert code == 1
    assert errors == ""


def test_verify_of_a_good_store_into_a_closed_pipe(head, site):
    """… and nothing wrong stays nothing wrong."""
    assert head("verify", "site.db", "--format", "csv", lines=None)[0] == 0


def test_errors_survive_a_closed_pipe(head, write):
    """A bad file is exit 2 also when nobody reads the rows before it."""
    code, errors = head("replay", write(b"{}\n"), lines=None)

    assert code == 2
    assert "events.ndjson:1" in errors


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full to stand for a full disk")
@pytest.mark.parametrize(
    "command", ["log site.db", "export site.db", "schema events", "--help", "replay site.db --digest"]
)
def test_a_full_disk(command, cti_es, site, environment):
    """Output that cannot be written is an error of the environment: exit 2 and a sentence, no traceback."""
    with open("/dev/full", "wb") as full:
        result = cti_es(*command.split(), env=environment(), capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert result.returncode == 2
    assert b"space" in result.stderr
    assert b"Traceback" not in result.stderr
    assert b"Errno" not in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full to stand for a full disk")
@pytest.mark.parametrize(
    "words", ["append site.db node_added node=x", "append site.db node_aded node=x", "verify site.db"]
)
def test_standard_error_cannot_be_written(words, cti_es, site, environment):
    """When standard error cannot be written the exit code is still 0 or 2, never 1, which means a difference."""
    with open("/dev/full", "wb") as full:
        result = cti_es(*words.split(), env=environment(), capture_output=False, stdout=subprocess.PIPE, stderr=full)

    assert result.returncode in (0, 2)


def without(signs, command, folder):
    """Run cti-es as a shell starts it with streams closed (``>&-``)."""
    line = f"exec {' '.join(CLI)} {command} {signs}"
    return subprocess.run(["bash", "-c", line], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


PRINTING = (
    "log site.db", "logs site.db", "replay site.db --digest", "replay site.db --format csv", "homes site.db",
    "providers site.db", "export site.db", "explain site.db 1", "verify site.db", "diff site.db site.db",
    "lint site.db", "generate --events 5", "schema events", "demo",
)  # fmt: skip


@pytest.mark.parametrize(
    ("command", "sign"),
    [*((command, ">&-") for command in PRINTING), ("log -", "<&-"), ("append new.db --from -", "<&-")],
)
def test_a_stream_that_is_not_there(command, sign, site, tmp_path, environment):
    """A process started without standard input or output (>&-) says so in a sentence: exit 2, no fault of cti-es."""
    result = without(sign, command, tmp_path)

    assert result.returncode == 2
    assert b"Traceback" not in result.stderr
    assert b"fault of cti-es" not in result.stderr
    assert b"there is no standard" in result.stderr
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("signs", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("command", ["append new.db --from events.ndjson", "log events.ndjson -o out.txt"])
def test_streams_that_are_not_needed(command, signs, log_file, tmp_path, environment):
    """What needs no standard stream works without: the work is done, and no file gets what is meant for a stream."""
    result = without(signs, command, tmp_path)
    made = without("", "verify new.db" if "append" in command else "log events.ndjson -o again.txt", tmp_path)

    assert (result.returncode, made.returncode) == (0, 0), result.stderr + made.stderr
    if "log" in command.split():
        assert (tmp_path / "out.txt").read_bytes() == (tmp_path / "again.txt").read_bytes()


def test_a_stopped_reader_is_waited_for(big_file, environment):
    """A reader that pauses gets everything in the end."""
    reader = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader.send_signal(signal.SIGSTOP)
    writer = subprocess.Popen([*CLI, "export", big_file], stdout=reader.stdin, env=environment())
    reader.stdin.close()
    reader.send_signal(signal.SIGCONT)
    with reader.stdout:
        count = reader.stdout.read()

    assert (writer.wait(20), reader.wait(20)) == (0, 0)
    assert int(count) == 9_000
