"""``play``: the schedule on a clock of the test's own; real processes that are interrupted, and clients that leave."""

import contextlib
import re
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from conftest import SCENARIOS

from cti_es.testing.loopback import parse_address
from cti_es.testing.play import LONGEST_WAIT, Clock, Due, Player
from cti_es.traces.recognise import recognise
from cti_es.vocabulary.errors import InputError
from cti_es_cli.main import main

LOG = str(SCENARIOS[0] / "log.ndjson")


class World:
    """A clock that stands still but for those who wait, or who take their time to receive."""

    def __init__(self, slow: float = 0) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self.sent: list[tuple[float, bytes]] = []
        self.slow = slow

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def send(self, data: bytes) -> None:
        self.sent.append((self.now - 100, data))
        self.now += self.slow

    def play(self, *times: str | None, speed: float | None = 1) -> Player:
        player = Player(Clock(lambda: self.now, self.wait), self.send, speed)
        player.play(Due(at, str(number).encode()) for number, at in enumerate(times))
        return player


TIMES = ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z", "2026-03-02T09:00:10.500000Z", "2026-03-02T09:01:00Z")


@pytest.mark.parametrize(("speed", "sent"), [(1, [0, 0, 10.5, 60]), (10, [0, 0, 1.05, 6]), (0.5, [0, 0, 21, 120])])
def test_messages_are_sent_with_the_gaps_of_the_log(speed, sent):
    """The first at once, the others after the gaps of their times, divided by the speed."""
    world = World()
    player = world.play(*TIMES, speed=speed)

    assert [when for when, _ in world.sent] == pytest.approx(sent)
    assert [data for _, data in world.sent] == [b"0", b"1", b"2", b"3"]
    assert player.lateness() == "late by 0s at most, 0s in the median"


def test_without_gaps():
    """Nothing is waited for, and messages need no times; how late they are cannot be said."""
    world = World()
    player = world.play(None, *TIMES, speed=None)

    assert (player.sent, world.waits, player.lateness()) == (5, [], "")


def test_lateness_is_what_was_lost():
    """A receiver that takes 4 s a message makes the second of a pair late; what comes after a gap is in time again."""
    world = World(slow=4)
    player = world.play(*TIMES)

    assert [when for when, _ in world.sent] == [0, 4, 10.5, 60]
    assert player.lateness() == "late by 4s at most, 0s in the median"


def test_a_message_that_is_older_is_sent_at_once():
    """Times that go backwards do not stop the play."""
    world = World()
    world.play(TIMES[3], TIMES[0], "2026-03-02T09:01:05Z")

    assert [when for when, _ in world.sent] == [0, 0, 5]


def test_a_gap_of_years_is_waited_for_in_pieces():
    """No clock of a system is asked to wait longer than an hour at a time."""
    world = World()
    world.play("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")

    assert world.waits == 24 * [LONGEST_WAIT]


def test_a_message_without_a_time():
    """Where gaps are wanted it is an error that says what is missing."""
    with pytest.raises(InputError, match="a message without a time; expected events with a time"):
        World().play(TIMES[0], None)


@pytest.mark.parametrize("text", ["127.0.0.1:0", "localhost:7001", "[::1]:65535", "127.9.9.9:1"])
def test_addresses_of_this_machine(text):
    """Loopback addresses are taken."""
    host, port = parse_address(text)

    assert port == int(text.rpartition(":")[2])
    assert host in ("127.0.0.1", "::1", "127.9.9.9")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("0.0.0.0:1", "is not loopback"), ("192.168.1.5:80", "is not loopback"), ("[::]:1", "is not loopback"),
        ("example.org:1", "is no address"), ("7001", "is no address"), ("127.0.0.1:x", "is no port"),
        ("127.0.0.1:65536", "is no port"), ("127.0.0.1:-1", "is no port"),
    ],
)  # fmt: skip
def test_other_addresses_are_refused(text, what):
    """Nothing is opened that another machine could reach; the error says what is taken."""
    with pytest.raises(InputError, match=f"{what}.*127.0.0.1:PORT"):
        parse_address(text)


def play(*words: str, source: str = LOG):
    """Run ``play`` without gaps."""
    return CliRunner().invoke(main, ["play", source, "--speed", "max", *words])


@pytest.mark.parametrize("form", ["ndjson", "one-line", "tapi-browser"])
def test_what_is_played_is_a_trace(form, tmp_path):
    """Every format is read back as what it is, and conforms to the log that was played."""
    (tmp_path / "trace").write_bytes(play("--format", form).stdout_bytes)

    assert recognise((tmp_path / "trace").read_bytes()) == form
    assert CliRunner().invoke(main, ["diff", LOG, str(tmp_path / "trace")]).exit_code == 0


def test_a_part_of_a_log():
    """From a version or a time on, to one application; the same lines as replay prints, with the same numbers."""
    whole = CliRunner().invoke(main, ["replay", LOG, "--ndjson"]).stdout.splitlines()

    assert play().stdout.splitlines() == whole
    assert play("--from-version", "9").stdout.splitlines() == whole[10:]
    assert play("--since", "2026-03-02T09:57:15Z").stdout.splitlines() == whole[14:]
    assert play("--app", "app").stderr == "played 20 messages\n"
    assert play("--from-version", "9", "--format", "one-line").stdout == "".join(
        play("--format", "one-line").stdout.splitlines(keepends=True)[10:]
    )


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--app", "ap"), "there is no application 'ap' in .*; did you mean 'app'?"),
        (("--from-version", "2", "--since", "09:00"), "both say where to begin"),
        (("--speed", "0"), "'0' is no speed; expected a number above 0"),
        (("--speed", "inf"), "'inf' is no speed"),
        (("--listen", "0.0.0.0:1"), "is not loopback"),
    ],
)  # fmt: skip
def test_wrong_options(words, what):
    """Each is an error that says what is expected."""
    done = play(*words)

    assert done.exit_code == 2
    assert re.search(what, done.stderr)


def test_a_log_without_times(tmp_path):
    """It can be played without gaps only, and the error says so."""
    log = tmp_path / "events.ndjson"
    log.write_text(
        '{"type":"node_added","node":"cm1"}\n{"type":"device_added","device":"P","kind":"cti_port"}\n'
        '{"type":"device_opened","device":"P"}\n{"type":"node_failed","node":"cm1"}\n'
    )

    assert play(source=str(log)).stdout.count("\n") == 1
    assert "--speed max needs no times" in CliRunner().invoke(main, ["play", str(log)]).stderr


@contextlib.contextmanager
def process(*words: str):
    """A real ``play`` of the worked example, of which the first ten messages come at once."""
    command = [sys.executable, "-m", "cti_es_cli", "play", LOG, "--format", "one-line", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_well(number, code):
    """What has come is whole, the exit code is that of every command, and how late it was is said."""
    with process() as running:
        lines = [running.stdout.readline() for _ in range(10)]
        running.send_signal(number)
        out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (code, b"")
    assert all(line.endswith(b"param3=0\n") for line in lines)
    assert re.fullmatch(rb"played (9|10) messages, late by \S+ at most, \S+ in the median\n+", err)


def test_a_closed_pipe_ends_it_quietly():
    """Who reads has had enough: 0, and no complaint."""
    with process("--speed", "1000") as running:
        running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
        code = running.wait(timeout=60)

    assert code == 0
    assert re.fullmatch(rb"played \d+ messages?, late by [^\n]*\n", err)


def test_a_client_on_this_machine():
    """The port is said, the client gets all messages, and the connection is closed at the end."""
    with process("--listen", "127.0.0.1:0", "--speed", "max") as running:
        port = int(re.fullmatch(rb"listening on 127.0.0.1:(\d+), for one client\n", running.stderr.readline())[1])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            lines = client.makefile("rb").readlines()
        out, err = running.communicate(timeout=60)

    assert (len(lines), out, err, running.returncode) == (20, b"", b"played 20 messages\n", 0)


def test_a_client_that_leaves():
    """In the middle of a gap of minutes it is noticed at once: the play is over, 0."""
    with process("--listen", "localhost:0") as running:
        port = int(running.stderr.readline().rpartition(b":")[2].split(b",")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            file = client.makefile("rb")
            lines = [file.readline() for _ in range(10)]
            file.close()
        _, err = running.communicate(timeout=60)

    assert len(lines) == 10
    assert running.returncode == 0
    assert re.fullmatch(rb"played 10 messages, late by [^\n]*\nthe client has left\n", err)
