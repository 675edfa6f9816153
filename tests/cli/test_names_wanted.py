"""Names that are wanted and not there, files that are no files, sources that come only once: said, with what is near."""

import os

import pytest


def test_log_of_a_device_that_is_not_there(quick, log_file):
    """Log --device says which of the wanted devices have no event, and what is near; the others are printed."""
    ran = quick("log", log_file, "--device", "CTIP_IVR_O1", "--device", "RP_SALES", "--ndjson")

    assert ran.returncode == 0
    assert ran.stdout.count(b"RP_SALES") == ran.stdout.count(b"\n") > 0
    assert b"there is no event of a device 'CTIP_IVR_O1' (did you mean 'CTIP_IVR_01'?) in events.ndjson" in ran.stderr
    assert b"RP_SALES" not in ran.stderr


def test_log_of_devices_that_are_there_says_nothing(quick, log_file):
    """No warning where every wanted device has an event, also where --type leaves none of them."""
    ran = quick("log", log_file, "--device", "RP_SALES", "--type", "node_failed")

    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["log", "replay", "homes", "providers"])
def test_standard_input_can_be_read_once(quick, refused, example, command):
    """Two SOURCEs that are standard input are refused: the second would be empty."""
    refused(quick(command, "-", "-", input=example), "standard input can be read only once")


def test_a_pipe_can_be_read_once(quick, refused, tmp_path):
    """The same for a named pipe that is given twice; it is not even opened."""
    os.mkfifo(tmp_path / "pipe")
    refused(quick("homes", "pipe", "pipe"), "the pipe pipe can be read only once")


@pytest.mark.parametrize("option", ["-o", "--output"])
@pytest.mark.parametrize(("name", "said"), [("", "an empty name"), (".", "'.' is a folder")])
def test_a_file_to_write_has_a_name(quick, refused, log_file, option, name, said):
    """An empty name and a folder are no files to write, in the same words wherever a file is written."""
    for command in (["log", log_file], ["export", log_file], ["generate"], ["explain", log_file, "1"]):
        refused(quick(*command, option, name), f"{said}; expected the name of a file" if not name else said)
    refused(quick("diff", log_file, log_file, "--junit", name), said)


@pytest.mark.parametrize("words", [("log", ""), ("diff", "", "x"), ("append", "", "node_added", "node=x")], ids=str)
def test_an_empty_source_is_no_folder(quick, refused, words):
    """An empty SOURCE (an unset variable of the shell) is said to be empty."""
    refused(quick(*words), "an empty name")


def test_a_missing_file_of_handles(quick, refused, log_file, write):
    """--handles says of a missing file what every other option says."""
    write("handle,app,device,line", "handles.csv")
    refused(quick("diff", log_file, log_file, "--handles", "handle.csv"), "handle.csv: no such file",
            "did you mean 'handles.csv'?")  # fmt: skip


def test_an_error_is_not_longer_than_a_screen(quick, refused, write):
    """A line of a mebibyte is quoted by its start; the way out, at the end of the error, is still there."""
    text = refused(quick("log", write('{"type":"node_added","node":"' + "\\u001b" * 100_000 + '"}')), "expected")

    assert len(text) < 3_000
    long = refused(quick("append", "site.db", "node_added", "x" * 100_000 + "=1"), "expected node, at, id")
    assert len(long) < 3_000
