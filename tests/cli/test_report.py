"""``report``: what is written, the exit status, what is refused."""

import pytest
from support.pages import EXAMPLES, PICTURES, unpacked, write


@pytest.fixture
def received(log_file, quick, write):
    """What an application received: the worked example without its fourth message."""
    rows = quick("replay", log_file, "--ndjson").stdout.splitlines(keepends=True)
    return write(b"".join(row for row in rows if b'"seq":4,' not in row), "received.ndjson")


def test_a_page_of_a_log(log_file, quick, tmp_path):
    """It is written to the file, nothing is printed, and the exit status is 0."""
    done = quick("report", log_file, "-o", "outage.html")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "outage.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_page_with_what_came(log_file, received, quick, tmp_path):
    """The exit status and the verdict are those of diff; the first divergence comes with its cause."""
    done = quick("report", log_file, received, "-o", "outage.html")
    page = (tmp_path / "outage.html").read_text("utf-8")

    assert done.returncode == 1
    assert "DIFFERS: 19 of 20 expected messages matched" in page
    assert "app was not told OUTOFSERVICE (CallManagerFailure) on RP_SALES/6000" in page
    assert "node_failed node=cm1" in page
    assert '<tr id="difference-1">' in page
    assert quick("report", log_file, log_file, "-o", "same.html").returncode == 0


def test_options_of_a_comparison_count(log_file, received, quick):
    """With those of diff the difference can be left out."""
    assert quick("report", log_file, received, "--from-version", "9", "-o", "outage.html").returncode == 0


def test_a_trace_is_no_log(received, log_file, quick, tmp_path):
    """A page is drawn from events, so EXPECTED has to be a log; nothing is written."""
    for words in ([received], [received, log_file]):
        done = quick("report", *words, "-o", "outage.html")

        assert done.returncode == 2
        assert b"expected a log" in done.stderr
        assert b"cti-es diff" in done.stderr
        assert not (tmp_path / "outage.html").exists()


def test_a_page_is_written_somewhere(log_file, quick):
    """Without -o there is no page on a terminal by mistake; with - it goes to standard output."""
    assert b"-o/--output is missing" in quick("report", log_file).stderr
    assert quick("report", log_file, "-o", "-").stdout.endswith(b"</html>\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_pages_are_what_is_written_now(example, quick, tmp_path):
    """docs/pictures is as ``python tests/support/pages.py`` leaves it; what is compared is unpacked."""
    page = write(example, quick, tmp_path)

    assert unpacked(page) == unpacked((PICTURES / f"{example.name}.html").read_bytes())
