"""CDR files: what calls they claim, and how they are refused."""

from collections import Counter

import pytest
from conftest import FIXTURES

from cti_es.cucm.cdr import NEEDED, CdrReader
from cti_es.vocabulary.errors import InputError

SAMPLE = (FIXTURES / "real" / "cdr-sample.csv").read_bytes()
HEADER = ",".join([*NEEDED, "globalCallId_ClusterID"])
ROW = "1,2,1001,11,12,1772442000,1772442005,1772442060,P,SEP1,Cluster1"


def read(text, known=("P", "SEP1")):
    """Line and calls of a CDR file, and what was left out."""
    left = Counter()
    reader = CdrReader("x.cdr", known.__contains__, lambda reason, line: left.update([(reason, line)]))
    data = text if isinstance(text, bytes) else text.encode()
    return list(reader.calls([data.split(b"\n")])), dict(left)


def test_the_published_records():
    """The two published call records: connect and end, for the device that is known."""
    calls, left = read(SAMPLE, known=("CALUNITY02",))
    [(line, [start, end])] = calls

    assert line == 3
    assert (start.at, end.at) == ("2016-01-14T12:30:52Z", "2016-01-14T12:31:02Z")
    assert (start.claim.what, end.claim.what) == ("call_started", "call_ended")
    assert start.claim.call == end.claim.call == "4/872186 75390609-75390612"
    assert left == {("unknown_device", 2): 1}


def test_a_leg_on_each_known_device():
    """Both ends of a call, each with identifiers of its own, and a call name with the cluster in it."""
    [(_, calls)], _ = read(f"{HEADER}\nINTEGER,{'X,' * 10}\n{ROW}\n")

    assert [(one.phase, one.at, one.claim.device) for one in calls] == [
        ("start", "2026-03-02T09:00:05Z", "P"),
        ("end", "2026-03-02T09:01:00Z", "P"),
        ("start", "2026-03-02T09:00:05Z", "SEP1"),
        ("end", "2026-03-02T09:01:00Z", "SEP1"),
    ]
    assert {one.claim.call for one in calls} == {"Cluster1 2/1001 11-12"}
    assert len({one.id for one in calls}) == 4


def test_nobody_answered():
    """A call without a connection lasts from its origination."""
    [(_, [start, *_])], _ = read(f"{HEADER}\n{ROW.replace('1772442005', '0')}")

    assert start.at == "2026-03-02T09:00:00Z"


def test_columns_in_any_order_and_more_of_them():
    """Columns are found by name: other releases have others, in other places, with another word for one."""
    names = ["new", *reversed(HEADER.split(","))]
    cells = ["x", *reversed(ROW.split(","))]
    header = ",".join(f'"{name}"' for name in names).replace("destLegIdentifier", "destLegCallIdentifier")

    assert read(f"{header}\n{','.join(cells)}")[0][0][1] == read(f"{HEADER}\n{ROW}")[0][0][1]


@pytest.mark.parametrize("column", NEEDED)
def test_renamed_columns_are_refused(column):
    """A column that is not there, or is called something else, is refused with the line and what is near."""
    with pytest.raises(InputError) as error:
        read(f"{HEADER.replace(column, column + 'X')}\n{ROW}")

    assert str(error.value).startswith(f"x.cdr:1: no column '{column}'")
    assert f"did you mean '{column}X'" in str(error.value)


def test_quality_records_are_not_calls():
    """A CMR file is refused with a word on what it is."""
    with pytest.raises(InputError, match="a CMR file"):
        read("cdrRecordType,globalCallID_callManagerId,globalCallID_callId,numberPacketsSent\n")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.rpartition(",")[0], "bad_row"),
        (ROW + ",x", "bad_row"),
        (ROW.replace("1772442060", "1.77244E+09"), "bad_number"),
        (ROW.replace("1772442060", "0"), "bad_number"),
        (ROW.replace("1772442060", "9" * 40), "bad_number"),
        (ROW.replace("1001", ""), "bad_number"),
        (ROW.replace("1001", "²"), "bad_number"),
        ("2" + ROW[1:], "other_record"),
        ("x" + ROW[1:], "bad_number"),
        (ROW.replace("P,SEP1", "A,B"), "unknown_device"),
    ],
)
def test_rows_that_are_left_out(row, reason):
    """A row that cannot be what it should be is counted with its line, never half understood."""
    calls, left = read(f"{HEADER}\n{ROW}\n{row}\n")

    assert len(calls) == 1
    assert left == {(reason, 3): 1}


def test_other_encodings():
    """A row in another encoding is read: what cti-es needs of it is ASCII."""
    calls, left = read(HEADER.encode() + b"\n" + ROW.replace("Cluster1", "K\xf6ln").encode("latin-1"))

    assert (len(calls), left) == (1, {})


def test_a_million_columns():
    """A header or row with very many columns is an error or a count, and quick."""
    with pytest.raises(InputError):
        read("cdrRecordType" + ",x" * 400_000)
    assert read("\n".join([HEADER, "1," * 400_000, '"' * 300_000]))[1] == {("bad_row", 2): 1, ("bad_row", 3): 1}
