"""The grammar of CUCM's own log lines: the published lines, every way in which real lines leave the specification, and
lines that nobody wrote in good faith.
"""

import time

import pytest
from conftest import FIXTURES
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.records import tag_key
from cti_es.cucm.stamps import LogLineOptions

REAL = FIXTURES / "real" / "lines"
LINES = {path.stem: path.read_bytes().rstrip(b"\n") for path in sorted(REAL.glob("*.log"))}
GIVEN = LogLineOptions(year=2010, date="2020-01-01")
PLAIN = b"41: cm1: Mar 02 2026 09:15:02.480 UTC : %UC_X-3-Name: %[A=1][NodeID=cm1]: text"


def read(*lines, options=GIVEN):
    """The records of some lines, and what was left out."""
    reader = AlarmReader(options)
    return [one for some in reader.records([list(lines)]) for one in some], reader.left_out


def one(line, options=GIVEN):
    """The only record of a line."""
    (record,) = read(line if isinstance(line, bytes) else line.encode(), options=options)[0]
    return record


EXPECTED = {
    "L01": ("2015-07-02T06:22:31Z", "uc-ucm-01.pcce.local", 41679, "UC_CALLMANAGER", 3, "EndPointUnregistered"),
    "L02": ("2015-12-22T20:12:57.001000Z", None, None, "UC_CTI", 3, "CtiProviderOpenFailure"),
    "L03": (
        "2019-06-17T14:14:19.781000Z",
        "hcs862-hcm-f.XXXXXXXX.net",
        6,
        "UC_SERVICEMANAGER",
        2,
        "ServiceStartFailed",
    ),
    "L04": (
        "2019-06-17T14:14:21.796000Z",
        "hcs862-hcm-f.XXXXXXXXtest.net",
        11,
        "UC_SERVICEMANAGER",
        2,
        "ServiceFailed",
    ),
    "L05": ("2019-06-17T14:14:22.800000Z", "hcs862-hcm-f.XXXXXXXXtest.net", 12, "UC_GENERIC", 6, "ServiceStarted"),
    "L06": ("2019-06-19T10:00:00.019000Z", "hcs862-hcm-f.XXXXXXXXtest.net", 42, "UC_CERT", 0, "CertExpired"),
    "L07": ("2015-10-14T05:50:19.484000Z", None, 8103, "UC_AUDITLOG", 5, "AdministrativeEvent"),
    "L08": ("2019-05-01T07:10:40.781000Z", None, None, "UC_AUDITLOG", 5, "AdministrativeEvent"),
    "L09": ("2016-07-05T16:03:01.688000Z", "cucm-pub", 23813, "UC_RTMT", 2, "RTMT_ALERT"),
    "L10": ("2021-05-21T13:10:24.476000Z", "impPub.ciscolab.com", 62, "UC_ReplWatcher", 1, "DuplicateUserid"),
    "L11": ("2010-04-21T19:01:35.638000Z", None, 17, "CCM_RTMT-RTMT", 2, "RTMT-ERROR-ALERT"),
    "L12": ("2010-03-18T11:10:52.630000Z", None, 92, "CCM_SERVICEMANAGER-SERVICEMANAGER", 6, "ServiceActivated"),
    "L13": ("2010-05-30T15:33:20.636000Z", None, 7273, "CCM_RTMT-RTMT", 2, "RTMT-ERROR-ALERT"),
    "L14": (None, None, None, "CCM_CALLMANAGER-CALLMANAGER", 3, "DeviceUnregistered"),
    "L15": (None, None, None, "UC_RTMT", 2, "RTMT_ALERT"),
    "L16": ("2020-01-01T07:32:38.651000Z", None, None, "", None, "CtiProviderOpenFailure"),
    "L17": ("2020-01-01T16:31:15.938000Z", None, None, "", None, "ConnectionFailure"),
}


@pytest.mark.parametrize("name", LINES)
def test_published_lines(name):
    """Every published line is read: time, host, sequence number and name."""
    record = one(LINES[name])

    assert (record.at, record.host, record.sequence, record.facility, record.severity, record.mnemonic) == EXPECTED[
        name
    ]


def test_all_published_lines_are_there():
    """The table of this test and the fixtures are the same seventeen lines."""
    assert list(LINES) == list(EXPECTED)
    assert len(LINES) == 17


TAGS = {
    "L01": {"devicename": "SEPE0D1730A8137", "reason": "13", "nodeid": "uc-ucm-01", "appid": "Cisco CallManager"},
    "L02": {"loginuserid": "pguser", "reason": "-1932787616", "ipaddress": "172.17.12.73", "nodeid": "splkcucm6p"},
    "L03": {"reason": "HTTP 404 Error", "clusterid": "", "servicename": "Cisco RTMT Web Service"},
    "L04": {"servicename": "Cisco Tomcat Stats Servlet", "reason": "Service stopped abruptly"},
    "L07": {
        "auditdetails": "record in table device, with key field name = SEP0000311107A5 deleted",
        "userid": "administrator",
    },
    "L12": {"servicename": "Cisco CallManager SNMP Service", "nodeid": "ciscart26", "clusterid": ""},
    "L14": {"devicename": "SEP000B5F327F9A", "reason": "12", "protocol": "SCCP", "description": "xyz"},
    "L16": {"cticonnectionid": "212", "reason": "-1932787595", "nodeid": "cucmpub.domain.local"},
    "L17": {"devicename": "SEP00506006EAFE", "reason": "2", "nodeid": "RTP-TBTP-CUCM9", "ipv6address": ""},
}


@pytest.mark.parametrize("name", TAGS)
def test_parameters_of_published_lines(name):
    """Parameters are found by today's keys, whatever release wrote them, tags or not."""
    assert TAGS[name].items() <= one(LINES[name]).tags.items()


def test_copies_are_told_from_the_line_they_copy():
    """RTMT wraps other alarms: those lines, and no others, are copies."""
    assert [name for name, line in LINES.items() if one(line).is_copy] == ["L09", "L10", "L11"]


def test_text_behind_the_tags():
    """What stands behind the tags is the text, brackets and all."""
    assert one(LINES["L04"]).text == "Service terminated."
    assert one(PLAIN + b" [not a tag]").text == "text [not a tag]"


# --- times ----------------------------------------------------------------------------------------------------------


def stamped(stamp, options=GIVEN):
    """Time of a stamp, and why it has none."""
    record = one(f"7: cm1: {stamp} : %UC_X-3-Name: %[A=1]: text", options)
    return record.at or record.why


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("Jul 02 2015 06:22:31 UTC", "2015-07-02T06:22:31Z"),
        ("Jul  2 2015 06:22:31.000 UTC", "2015-07-02T06:22:31Z"),
        ("Jul 2 2015 06:22:31.5 UTC", "2015-07-02T06:22:31.005000Z"),
        ("Jul 2 2015 06:22:31.21 UTC", "2015-07-02T06:22:31.021000Z"),
        ("Jul 2 2015 06:22:31.1234 UTC", "2015-07-02T06:22:31.123400Z"),
        ("Jul 02 2015 12:00:00 AM.001 UTC", "2015-07-02T00:00:00.001000Z"),
        ("Jul 02 2015 12:00:00 PM.001 UTC", "2015-07-02T12:00:00.001000Z"),
        ("Jul 02 2015 11:59:59 PM UTC", "2015-07-02T23:59:59Z"),
        ("Jul 02 2015 06:22:31.484 EST", "2015-07-02T11:22:31.484000Z"),
        ("Jul 02 2015 06:22:31.484 CEST", "2015-07-02T04:22:31.484000Z"),
        ("Dec 31 2015 23:30:00.000 -0130", "2016-01-01T01:00:00Z"),
        ("Jul 02 2015 06:22:31 +0200", "2015-07-02T04:22:31Z"),
        ("Jul 02 2015 06:22:31 IST", "unknown_zone"),
        ("Feb 30 2015 06:22:31 UTC", "bad_time"),
        ("Jul 02 2015 24:22:31 UTC", "bad_time"),
        ("Jul 02 2015 13:22:31 PM UTC", "bad_time"),
        ("Jul 02 2015 00:22:31 AM UTC", "bad_time"),
        ("Jul 02 1969 06:22:31 UTC", "bad_time"),
        ("Jul 02 2015 06:22:60 UTC", "bad_time"),
        ("Jul 02 2015 06:22:31 +9900", "bad_time"),
        ("--- 00 0000 00:00:00.000 ---", "no_time"),
        ("Mar 18 11:10:52.630 UTC", "2010-03-18T11:10:52.630000Z"),
    ],
)  # fmt: skip
def test_stamps(stamp, at):
    """Every form of a stamp, as canonical UTC or with the reason why there is none."""
    assert stamped(stamp) == at


def test_years_and_zones_that_somebody_gives():
    """What a stamp leaves out comes from the options; without them it is not guessed."""
    assert stamped("Mar 18 11:10:52.630 UTC", LogLineOptions()) == "no_year"
    assert stamped("Jul 02 2015 06:22:31 IST", LogLineOptions(zones={"IST": "+05:30"})) == "2015-07-02T00:52:31Z"
    assert stamped("Jul 02 2015 06:22:31 XYZ", LogLineOptions(tz="-01:00")) == "2015-07-02T07:22:31Z"
    assert one(LINES["L16"], LogLineOptions()).why == "no_date"


def test_a_log_without_years_over_new_year():
    """The year goes on at New Year, and a late line of December still belongs to the old one."""
    lines = [f"{day} 11:00:00 UTC : %UC_X-3-N: %[A=1]: t".encode() for day in ("Dec 30", "Jan 01", "Dec 31", "Jan 02")]
    records, _ = read(*lines, options=LogLineOptions(year=2010))

    assert [record.at[:10] for record in records] == ["2010-12-30", "2011-01-01", "2010-12-31", "2011-01-02"]


def test_an_sdl_trace_over_midnight():
    """Stamps of an SDL trace have no date: when they go back by half a day, the next day has begun."""
    lines = [f"1.1 |{clock}.000 |AppInfo |SDLLinkOOS - x".encode() for clock in ("23:59:59", "00:00:01", "00:00:00")]
    records, _ = read(*lines, options=LogLineOptions(date="2026-12-31", tz="+01:00"))

    assert [record.at for record in records] == ["2026-12-31T22:59:59Z", "2026-12-31T23:00:01Z", "2026-12-31T23:00:00Z"]


def test_every_line_of_an_sdl_trace_tells_the_time():
    """Most lines of a trace are no alarms, but midnight passes in them, too; they are counted as what they are."""
    lines = [f"1.1 |{clock}.000 |{text}".encode() for clock, text in (
        ("14:00:00", "AppInfo |SDLLinkOOS - x"), ("23:30:00", "SdlSig |x"), ("09:00:00", "SdlSig |y"),
        ("13:00:00", "AppInfo |SDLLinkISV - x"))]  # fmt: skip
    records, left = read(*lines, options=LogLineOptions(date="2026-03-05"))

    assert [record.at for record in records] == ["2026-03-05T14:00:00Z", "2026-03-06T13:00:00Z"]
    assert left == {"no_alarm": (2, 2)}


def test_files_without_years_follow_each_other():
    """The year that is given is that of the first stamp; the next file goes on, whichever way it lies."""
    readers = [AlarmReader(LogLineOptions(year=2026))]
    found = []
    for day in ("Dec 31", "Jan 01", "Dec 30"):
        readers.append(AlarmReader(LogLineOptions(year=2026), readers[-1]))
        line = f"{day} 11:00:00 UTC : %UC_X-3-N: %[A=1]: t".encode()
        found += [record.at[:10] for some in readers[-1].records([[line]]) for record in some]

    assert found == ["2026-12-31", "2027-01-01", "2026-12-30"]


def test_alarms_of_an_sdl_trace_from_windows():
    """The end of a Windows line is no part of its last parameter."""
    line = b"1.1 |09:00:00.000 |AlarmErr |AlarmClass: C, AlarmName: N, AlarmParameters: A:1, NodeID:cm1,\r"
    [record], _ = read(line, options=LogLineOptions(date="2026-03-05"))

    assert record.tags == {"a": "1", "nodeid": "cm1"}
    assert record.fingerprint == read(line[:-1], options=LogLineOptions(date="2026-03-05"))[0][0].fingerprint


# --- where a line comes from ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "host", "sequence"),
    [
        ("", None, None),
        ("41: cm1: ", "cm1", 41),
        ("<189>41: cm1: ", "cm1", 41),
        ("<189>41: ", None, 41),
        ("<189>", None, None),
        ("Mar  2 10:15:02 cm1 local7 3 ccm: 41: cm1.example.com: ", "cm1.example.com", 41),
        ("Mar  2 10:15:02 cm1 local99 0 : 41: 10.1.1.1: ", "10.1.1.1", 41),
        ("31 cm1 local7 3 : 41: cm1 ", "cm1", 41),
        ("41: cm1: *", "cm1", 41),
        ("41: cm1: .", "cm1", 41),
        ("41: fe80::1: ", "fe80::1", 41),
        ("2013-05-30 16:40:29|| : : 7273: ", None, 7273),
        ("Jun 13 12:12:09 host.cisco.com 11: host.cisco.com: ", "host.cisco.com", 11),
        ("cm1: ", "cm1", None),
        ("99999999999: cm1: ", "cm1", None),
    ],
)
def test_origin(before, host, sequence):
    """Host and sequence number, as far as the way to us has left them in the line."""
    record = one(f"{before}Mar 02 2026 09:15:02.480 UTC :  %UC_X-3-Name: %[A=1]: text")

    assert (record.host, record.sequence) == (host, sequence)


def test_node_and_process():
    """The node and the service are those of the tags; the host of the head stands in for a missing node."""
    assert one(LINES["L01"]).node == "uc-ucm-01"
    assert one(LINES["L01"]).process == "Cisco CallManager"
    assert one(PLAIN.replace(b"[NodeID=cm1]", b"")).node == "cm1"
    assert one(LINES["L12"]).process == "Cisco Service Manager"


# --- tags -----------------------------------------------------------------------------------------------------------


def tagged(tags):
    """The tags of a line."""
    return one(f"Mar 02 2026 09:15:02.480 UTC : %UC_X-3-Name: {tags}: text")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("%[A=1][B=2]", {"a": "1", "b": "2"}),
        ("%[ A =1][B= 2 ]", {"a": "1", "b": "2"}),
        ("%[A=1] [B=2]  [C=]", {"a": "1", "b": "2", "c": ""}),
        ("%[A=x = y][B=a=b]", {"a": "x = y", "b": "a=b"}),
        (r"%[A=\[x\]\\][B=\+49]", {"a": "[x]\\", "b": "+49"}),
        ("%[App ID=x][Reason code.=-5][UNKNOWN_PARAMNAME:IPAddress=1.2.3.4]", {"appid": "x", "reason": "-5", "ipaddress": "1.2.3.4"}),
        ("%[A=1][a=2]", {"a": "1"}),
        ("%[A=a#012b]", {"a": "a#012b"}),
        ("%[DeviceName=Ä]", {"devicename": "Ä"}),
    ],
)  # fmt: skip
def test_tags(text, tags):
    """Tags in every form in which CUCM writes them."""
    record = tagged(text)

    assert record.tags == tags
    assert not record.is_cut
    assert tagged(text).device == tags.get("devicename", "")


@pytest.mark.parametrize("text", ["%[A=1][B=2", "%[A=1][B=[2]", "%[A=1][B", "%[A=1]x[B=2]", "%[A=1"])
def test_lines_that_are_cut_off(text):
    """A line that ends inside its tags, or whose brackets do not match, says so."""
    assert one(f"Mar 02 2026 09:15:02.480 UTC : %UC_X-3-Name: {text}").is_cut


def test_keys():
    """The same parameter has one key, whatever release has written it."""
    assert {tag_key(key) for key in ("Reason", "reason", "Reason code.", "Reason Code [Optional].")} == {"reason"}
    assert {tag_key(key) for key in ("Login User Id", " LoginUserId ", "UNKNOWN_PARAMNAME:LoginUserId")} == {
        "loginuserid"
    }


# --- what is no record ----------------------------------------------------------------------------------------------


def test_what_is_left_out_is_counted():
    """Lines that are none are counted with the first; blank lines are nothing; a letter in Latin-1 costs no line."""
    records, left = read(b"hello", b"", b"  \t", PLAIN, b"world", PLAIN.replace(b"text", b"t\xe4xt"))

    assert len(records) == 2
    assert left == {"no_log_line": (2, 1)}


def part(number, of, text, first=16):
    """One of several parts of a message."""
    return (
        f"{first + number - 1}: cm1: Mar 02 2026 09:15:02.480 UTC : %UC_X-3-Name:"
        f" %[part={first}.{number}/{of}][A=1][NodeID=cm1]: {text}"
    ).encode()


def test_messages_in_several_parts_are_joined():
    """Parts of a message are one record with the text of all of them, in whatever order they come."""
    records, left = read(part(2, 3, "two,"), part(1, 3, "one,"), PLAIN, part(3, 3, "three"))

    assert [(record.line, record.text, record.tags) for record in records] == [
        (3, "text", {"a": "1", "nodeid": "cm1"}),
        (2, "one,two,three", {"a": "1", "nodeid": "cm1"}),
    ]
    assert left == {}


@pytest.mark.parametrize("order", ["1122", "1212", "1221"])
def test_a_message_in_parts_may_come_twice(order):
    """Nothing is missing of it then."""
    records, left = read(*(part(int(number), 2, f"{number},") for number in order))

    assert {(record.text, record.fingerprint) for record in records} == {("1,2,", records[0].fingerprint)}
    assert left == {}


def test_a_missing_part_is_counted():
    """A message of which a part is missing is no record, and counted at the line of its first part."""
    records, left = read(PLAIN, part(1, 3, "one"), part(3, 3, "three"), part(1, 2, "x", 40), part(0, 9, "x", 50))

    assert len(records) == 1
    assert left == {"part_missing": (3, 5)}


# --- lines that nobody wrote in good faith --------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["Mar 02 2026 09:15:02.480 UTC : ", "%UC_X-3-Name: ", "%[", "]", "[", "=", "\\", ": ", "A", "[part=1.1/2]", "7: ", "|",
     "1.1 |00:00:00.000 |AppInfo |SDLLinkOOS - ", "AlarmErr |AlarmClass: ", "Node ID:", "Jan", "--- 00 0000 00:00:00.000 --- : "]
)  # fmt: skip


def visit(records):
    """Ask a record everything."""
    for record in records:
        assert record.tags is not None
        assert (record.at is None) != (record.why is None)
        _ = (record.node, record.process, record.text, record.is_cut, record.severity, record.device)


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=30), st.booleans())
def test_no_text_is_too_strange(words, given_):
    """Whatever stands in a line, reading it ends well."""
    visit(read("".join(words).encode("utf-8", "surrogatepass"), options=GIVEN if given_ else LogLineOptions())[0])


@given(st.sampled_from(list(LINES.values())), st.integers(0, 600), st.binary(max_size=4), st.integers(0, 600))
def test_no_real_line_is_too_broken(line, start, new, length):
    """Real lines with a piece cut out or something else put in."""
    visit(read(line[:start] + new + line[start + length :])[0])


IN_FRONT = st.sampled_from(
    ["", "<189>", "Mar  2 06:22:31 10.1.1.1 ", "2026-03-02T06:22:31+00:00 cm1 ", "x: y: ", "%UC_X-3-N:%[A=1 b]: ", "x\t", "7: ", "*"]
)  # fmt: skip


OF_TODAY = st.sampled_from([LINES["L05"], LINES["L07"], PLAIN])


@given(IN_FRONT, OF_TODAY, st.integers(0, 300), st.sampled_from(["", " ", ":", "%", ": ", "9", "-"]))
def test_the_short_way_is_no_other_way(front, line, at, new):
    """A record that is read the short way is the one that the long way reads, whatever a collector put in front."""
    text = front + line.decode()
    text = (text[:at] + new + text[at:]).rstrip(": ")
    short = AlarmReader(GIVEN)._usual(text, 1)
    assume(short is not None)
    [long] = AlarmReader(GIVEN)._others(text, 1)

    assert short.at == long.at
    assert astuple(short)[:5] == astuple(long)[:5]


def test_today_s_lines_take_the_short_way():
    """The form of today is known as such, behind syslog's own stamp or that of a server, and without a host."""
    for line in [LINES["L05"], LINES["L07"], PLAIN, b"<189>" + PLAIN, b"Mar  2 06:22:31 10.1.1.1 " + PLAIN]:
        assert AlarmReader(GIVEN)._usual(line.decode(), 1) is not None


HOSTILE = {
    "stamps": b"Jan 01 2020 00:00:00 UTC : " * 30_000,
    "percents": b"%A" * 400_000,
    "heads": b"%UC_AAAAAAAAAAAAAAAAAAAAAAAA-" * 30_000,
    "open brackets": PLAIN[:50] + b": %[" + b"[" * 900_000,
    "tags": PLAIN[:-6] + b"[A=1]" * 180_000,
    "backslashes": PLAIN[:60] + b"%[A=" + b"\\" * 900_000,
    "labels": b"Mar 02 2026 09:15:02.480 UTC : %CCM_X-X-3-N: " + b"Device name.:" * 70_000,
    "blanks": PLAIN[:60] + b" " * 900_000,
    "numbers": b"9" * 900_000 + b": " + PLAIN,
    "sdl": b"1.1 |00:00:00.000 |AlarmErr |AlarmClass: AlarmName: X, AlarmParameters: " + b"a:b, " * 180_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_line_is_slow(kind):
    """The longest lines there can be, made to be slow: each is read within a second or two of processor time."""
    begin = time.process_time()
    visit(read(HOSTILE[kind][: 1 << 20])[0])

    assert time.process_time() - begin < 5


# --- lines that somebody has joined or broken -----------------------------------------------------------------------

ONE = "7: cm9: Mar 02 2026 09:15:02.480 UTC : %UC_X-3-SDLLinkOOS: %[A=1][NodeID=cm1]: first"
TWO = "8: cm9: Mar 02 2026 09:15:03.480 UTC : %UC_X-3-SDLLinkISV: %[A=2][NodeID=cm1]: second"
OUTER = "Mar  2 10:15:03 cm9 local7 1 ccm: "
OLD = "Mar 18 2026 11:10:52.630 UTC :  %CCM_X-XY-3-Old: Device name.:SEP1 Reason Code.:13 Node ID:cm-a"
RTMT = (
    "9: cm9: Mar 02 2026 09:16:00.000 UTC : %UC_RTMT-2-RTMT_ALERT: %[AlertName=SyslogSeverityMatchFound][AlertDetail= At"
    f" x #012MatchedEvent : {OUTER}{ONE}#012AppID : x][AppID=Cisco AMC Service][NodeID=cm1]: RTMT Alert"
)


def shown(*lines):
    """What is read of some lines: number, host, name, text, and the fingerprint."""
    records, left = read(*map(str.encode, lines), options=LogLineOptions(date="2026-03-02"))
    assert left == {}
    return [(one.sequence, one.host, one.mnemonic, one.text, one.fingerprint) for one in records]


@pytest.mark.parametrize("between", [" ", "", "  ", "#012 "])
@pytest.mark.parametrize(
    "parts",
    [
        (ONE, TWO), (ONE, TWO, ONE), (OUTER + ONE, OUTER + TWO), (ONE, "<189>" + TWO), ("<189>" + ONE, "<189>" + OUTER + TWO),
        (OLD, ONE), (ONE, RTMT), (RTMT, TWO), (RTMT, RTMT, ONE),
    ],
)  # fmt: skip
def test_lines_that_are_joined(parts, between):
    """Each record is read as if it stood alone, and what RTMT copies stays where it is."""
    alone = [shown(part)[0] for part in parts]
    together = shown(between.join(parts))

    assert [one[:3] for one in together] == [one[:3] for one in alone]
    if between.isspace():
        assert together == alone


def test_a_record_that_is_cut_off_by_the_next():
    """It is there, and known to be cut; the next one is whole."""
    [first, second], _ = read((ONE[: ONE.index("[NodeID")] + "[NodeID=c" + TWO).encode())

    assert (first.is_cut, second.is_cut) == (True, False)
    assert second.tags["a"] == "2"


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_lines_that_are_broken_behind_the_host(end):
    """The origin at the end of a line belongs to the next one."""
    broken = (OUTER + ONE).replace("cm9: Mar", f"cm9:{end}Mar")

    assert shown(*broken.split("\n")) == shown(OUTER + ONE)
    assert shown(*f"{ONE} {broken}".split("\n")) == [*shown(ONE), *shown(ONE)]


@pytest.mark.parametrize("rest", [[ONE], [], [OUTER + ONE], ["another text"], [OUTER + "6: cm9:", ONE]])
def test_an_origin_without_its_alarm(rest):
    """It is counted as a record that is cut off, at its line: another text follows, another record or nothing."""
    records, left = read(*(line.encode() for line in [OUTER + "5: cm9:", *rest]))

    assert left.pop("cut") == (2 if len(rest) > 1 else 1, 1)
    assert [one.sequence for one in records] == [7] * len([line for line in rest if line.endswith("first")])
    assert left == ({"no_log_line": (1, 2)} if rest == ["another text"] else {})


def test_the_published_file_of_joined_lines():
    """Up to five alarms on one line, others broken behind the host: seven are read, the eighth is an origin alone."""
    lines = (FIXTURES / "real" / "cases" / "joined-lines.log").read_bytes().split(b"\n")
    records, left = read(*lines, options=LogLineOptions())

    assert [record.sequence for record in records] == [None, 8, 9, 10, 11, 12, 13]
    assert {record.node for record in records} == {"hcmf1"}
    assert [record.is_cut for record in records] == [False] * 7
    assert left == {"cut": (1, 4)}


def test_lines_of_an_sdl_trace_that_are_joined():
    """The alarms of an SDL trace, several on one line, each up to the next stamp."""
    records, left = read(
        b" ".join([LINES["L16"], LINES["L17"], LINES["L16"]]), options=LogLineOptions(date="2026-03-02")
    )

    assert [record.mnemonic for record in records] == [one(LINES[name]).mnemonic for name in ("L16", "L17", "L16")]
    assert [record.tags for record in records] == [one(LINES[name]).tags for name in ("L16", "L17", "L16")]
    assert left == {}
