"""Aliases: what is shown to others has no name in it, and means the same."""

import json
import stat

import pytest
from conftest import FIXTURES
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import names

from cti_es.logs.open import open_log
from cti_es.model.replay import Replay
from cti_es.report.anonymous import KINDS, LENGTHS, Aliases, AnonymousLog, key_in, new_key
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.tapi import TraceMessage

KEY, OTHER = bytes(range(32)), bytes(32)
LOGS = [pytest.param(path, id=path.parent.name, marks=() if number % 8 == 0 else pytest.mark.slow)
        for number, path in enumerate(sorted(FIXTURES.glob("*/log.ndjson")))]  # fmt: skip
"""Every scenario; one of eight is enough for the quick tests."""

OURS = {"app"}
"""The application that is meant where a log names none: a word of ours, nobody's name."""

NO_NAMES = ("type", "at", "kind", "scope", "reason", "states", "version")
"""Fields whose values are words of the format."""


def events_of(log):
    return [event for batch in log.batches() for event in batch.events]


def texts(value, field=""):
    """Every text of a JSON value that may be a name."""
    if isinstance(value, dict):
        return {text for name, one in value.items() if name not in NO_NAMES for text in texts(one)}
    if isinstance(value, list):
        return {text for one in value for text in texts(one)}
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("path", LOGS)
def test_no_name_of_a_log_is_left(path):
    """No alias is a name of the log, and none has a name of more than three characters in it."""
    with open_log(str(path)) as log:
        events = events_of(log)
        hidden = events_of(AnonymousLog(log, Aliases(KEY)))
    real = set().union(*(texts(json.loads(encode(one))) for one in events)) - OURS
    shown = set().union(*(texts(json.loads(encode(one))) for one in hidden))

    assert real
    assert real.isdisjoint(shown)
    assert [name for name in real if len(name) > 3 and any(name in one for one in shown)] == []
    assert len(shown - OURS) >= len(real)  # a name of two kinds has two aliases


@pytest.mark.parametrize("path", LOGS)
def test_an_anonymous_log_means_the_same(path):
    """The messages of the anonymous log are those of the log, with aliases; its misfits are the same ones."""
    aliases = Aliases(KEY)
    with open_log(str(path)) as log:
        real, hidden = Replay(), Replay()
        messages = list(real.messages(events_of(log)))
        told = list(hidden.messages(events_of(AnonymousLog(log, aliases))))

    assert [(one.version, one.code) for one in hidden.misfits] == [(one.version, one.code) for one in real.misfits]
    assert [(one.seq, one.version, one.handle, one.param1, one.param2, one.rule) for one in told] == [
        (one.seq, one.version, one.handle, one.param1, one.param2, one.rule) for one in messages
    ]
    for one, other in zip(told, messages, strict=True):
        line = None if other.line is None else aliases.of("line", other.line)
        assert (one.app, one.device, one.line) == (
            aliases.of("app", other.app), aliases.of("device", other.device), line,
        )  # fmt: skip


@given(names, names, st.sampled_from(sorted(KINDS)))
def test_an_alias_is_a_name_of_the_same_kind_and_length(name, other, field):
    """An alias is another name, of the same class of lengths, always the same, and that of no other name."""
    alias = Aliases(KEY).of(field, name)
    if alias == name:
        assert field in ("app", "states")
        return

    check_name(alias, field)
    assert alias.isascii()
    assert alias.startswith(f"{KINDS[field]}-")
    assert len(alias) == min(length for length in LENGTHS if len(name) <= length)
    assert alias == Aliases(KEY).of(field, name) != Aliases(OTHER).of(field, name)
    assert (alias == Aliases(KEY).of(field, other)) == (name == other)


def test_a_name_of_two_kinds_has_two_aliases():
    """An extension that is also the name of a call does not show that it is."""
    aliases = Aliases(KEY)

    assert len({aliases.of(field, "5001") for field in ("line", "call", "device", "id")}) == 4
    assert aliases.of("line", "5001") == aliases.of("lines", "5001") == aliases.of("removed", "5001")
    assert aliases.of("node", "cm1") == aliases.of("group", "cm1") == aliases.of("cti_managers", "cm1")


@pytest.mark.parametrize(("handle", "stays"), [("x10000", True), ("6", True), ("5001", False), ("IVR_01", False)])
def test_handles(handle, stays):
    """A handle that is a number stays, unless it is the number of the line or the name of the device."""
    message = TraceMessage(1, "PHONE_STATE", 4, 1, "ivr", "P1", "5001", handle, rule="node_failed/suspend")
    hidden = Aliases(KEY).message(message)

    assert (hidden.handle == handle) == stays
    assert hidden.rule == "node_failed/suspend"
    assert {"ivr", "P1", "5001"}.isdisjoint({hidden.app, hidden.device, hidden.line})


def test_a_rule_that_is_none_of_ours_may_be_a_name():
    """What stands where a rule should be is left out."""
    assert Aliases(KEY).message(TraceMessage(1, "PHONE_STATE", 4, 1, rule="mueller/sales")).rule is None


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once(tmp_path):
    """The file is made for its owner alone, and gives the same key ever after."""
    path = tmp_path / "names.key"
    key = key_in(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_in(path) == key
    assert key not in (new_key(), key_in(tmp_path / "other.key"))


@pytest.mark.parametrize(
    "content", [b"", b"secret", b"cti-es aliases 1 " + b"0" * 63, b"cti-es aliases 2 " + b"0" * 64]
)
def test_a_file_that_is_no_key_stays(content, tmp_path):
    """A file with anything else in it is refused and not written to."""
    path = tmp_path / "names.key"
    path.write_bytes(content)

    with pytest.raises(InputError, match="no key"):
        key_in(path)
    assert path.read_bytes() == content
