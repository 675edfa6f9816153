"""Event times: what is accepted, the canonical form, and that it sorts as time does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES, times

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import (
    EXPECTED,
    all_plainly_canonical,
    canonical_time,
    duration_text,
    in_zone,
    said_time,
    seconds_between,
    sort_key,
    stamp_zone,
    time_in_zone,
    zone_of,
)

ACCEPTED = {
    "2026-01-01T08:00:00Z": "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00+00:00": "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00-00:00": "2026-01-01T08:00:00Z",
    "2026-01-01T09:30:00+01:30": "2026-01-01T08:00:00Z",
    "2025-12-31T20:00:00-12:00": "2026-01-01T08:00:00Z",
    "2026-01-01T23:59:00+23:59": "2026-01-01T00:00:00Z",
    "2026-01-01T08:00:00.5Z": "2026-01-01T08:00:00.500000Z",
    "2026-01-01T08:00:00.25+00:00": "2026-01-01T08:00:00.250000Z",
    "2026-01-01T08:00:00.000001Z": "2026-01-01T08:00:00.000001Z",
    "2026-01-01T08:00:00.0Z": "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00.000000Z": "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00.100000Z": "2026-01-01T08:00:00.100000Z",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z": "2000-02-29T00:00:00Z",
    "2026-03-01T00:30:00+01:00": "2026-02-28T23:30:00Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:59.999999Z": "9998-12-31T23:59:59.999999Z",
}

REFUSED = [
    "",
    "now",
    "2026-01-01",
    "20260101T080000Z",
    "2026-01-01 08:00:00Z",
    "2026-01-01t08:00:00Z",
    "2026-01-01T08:00:00z",
    "2026-01-01T08:00Z",
    "2026-01-01T08:00:00",
    "2026-01-01T08:00:00 Z",
    " 2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00Z\n",
    "2026-01-01T08:00:00ZZ",
    "2026-01-01T08:00:00Z2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00+0100",
    "2026-01-01T08:00:00+01",
    "2026-01-01T08:00:00+1:00",
    "2026-01-01T08:00:00+24:00",
    "2026-01-01T08:00:00+01:60",
    "2026-01-01T08:00:00\u221201:00",
    "2026-01-01T08:00:00.Z",
    "2026-01-01T08:00:00,5Z",
    "2026-01-01T08:00:00.1234567Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T08:60:00Z",
    "2026-01-01T08:00:61Z",
    "2016-12-31T23:59:60Z",
    "2026-00-01T08:00:00Z",
    "2026-13-01T08:00:00Z",
    "2026-01-00T08:00:00Z",
    "2026-02-29T08:00:00Z",
    "2100-02-29T08:00:00Z",
    "2026-04-31T08:00:00Z",
    "26-01-01T08:00:00Z",
    "+2026-01-01T08:00:00Z",
    "-2026-01-01T08:00:00Z",
    "02026-01-01T08:00:00Z",
    "2026-W01-1T08:00:00Z",
    "\u0662\u0660\u0662\u0666-01-01T08:00:00Z",
    "1969-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "9999-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "1970-01-01T00:00:00+01:00",
    "9998-12-31T23:59:59-00:01",
]


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED.items(), ids=ACCEPTED)
def test_accepted(text: str, canonical: str) -> None:
    """RFC 3339 with T, seconds and an offset becomes UTC with Z, and six fraction digits or none."""
    assert canonical_time(text) == canonical


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_refused(text: str) -> None:
    """Anything else is an error that shows what was found and what was expected."""
    with pytest.raises(InputError) as error:
        canonical_time(text)

    assert repr(text) in error.value.what
    assert "1970 to 9998" in error.value.expected or error.value.expected == EXPECTED


@EXAMPLES
@given(times)
def test_canonical_time_is_its_own_canonical_form(text: str) -> None:
    """What is canonical stays as it is."""
    assert canonical_time(text) == text


@EXAMPLES
@given(st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)), st.integers(-1439, 1439))
def test_offset_means_the_same_moment(moment: datetime, minutes: int) -> None:
    """A time written with any offset is the same moment in UTC."""
    local = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    text = canonical_time(local.isoformat())

    assert datetime.fromisoformat(text) == local
    assert text.endswith("Z")
    assert canonical_time(text) == text


@EXAMPLES
@given(st.text("0123456789-:.TZ+ ", max_size=30))
def test_any_text_is_a_time_or_an_input_error(text: str) -> None:
    """No text brings anything but a canonical time or an error that explains."""
    try:
        found = canonical_time(text)
    except InputError:
        return

    assert canonical_time(found) == found


@EXAMPLES
@given(times, st.sampled_from([0, 1, 499_999, 500_000, 1_000_000, 86_400_000_000]), st.booleans())
def test_sort_key_orders_as_the_moments_do(one: str, distance: int, whole: bool) -> None:
    """Comparing keys is comparing moments, with and without a fraction, however near they are."""
    first = datetime.fromisoformat(one).replace(**({"microsecond": 0} if whole else {}))
    second = min(first + timedelta(microseconds=distance), datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC))
    keys = [sort_key(canonical_time(moment.isoformat())) for moment in (first, second)]

    assert (keys[0] < keys[1]) == (first < second)
    assert (keys[0] == keys[1]) == (first == second)


def test_fraction_comes_after_the_bare_second() -> None:
    """``…00Z`` comes before ``…00.5Z``, although ``Z`` sorts after ``.``."""
    bare, fraction, next_second = "2026-01-01T08:00:00Z", "2026-01-01T08:00:00.500000Z", "2026-01-01T08:00:01Z"

    assert sort_key(bare) < sort_key(fraction) < sort_key(next_second)


# The quick look at many times at once.


def is_canonical(text: str) -> bool:
    """Whether a text is its own canonical form."""
    try:
        return canonical_time(text) == text
    except InputError:
        return False


NEAR = times.flatmap(lambda text: st.sampled_from([text[:19] + ".0Z", text[:19] + "+00:00", text + "\n", text]))
"""Times that look canonical; a quarter of them are."""


@st.composite
def _torn(draw: st.DrawFn) -> list[str]:
    """A canonical time in two pieces, or two of them in one."""
    text, other, place = draw(times), draw(times), draw(st.integers(0, 27))
    return draw(st.sampled_from([[text[:place], text[place:]], [text + other], [text, ""], ["", text]]))


@EXAMPLES
@given(st.one_of(st.lists(st.one_of(times, NEAR)), _torn()))
def test_quick_look_accepts_only_what_is_canonical(texts: list[str]) -> None:
    """If the quick look is content, each of the texts is its own canonical form."""
    if all_plainly_canonical(texts):
        assert [text for text in texts if not is_canonical(text)] == []


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-01-01T08:00:00Z2026-01-01T08:00:00Z"],
        ["2026-01-01T08", ":00:00Z"],
        ["2026-01-01T08:00:00Z", ""],
        [""],
        ["2026-01-01T08:00:00.000000Z"],
        ["2026-02-29T08:00:00Z"],
        ["1969-01-01T08:00:00Z"],
        ["9999-01-01T08:00:00Z"],
        ["2026-01-01T08:00:00Z", "2026-01-01T08:00:00+01:00"],
        ["2026-01-01T08:00:00Z\n"],
    ],
    ids=ascii,
)
def test_quick_look_refuses(texts: list[str]) -> None:
    """What is no canonical time is none in company either: two in one text, one in two texts, none at all."""
    assert not all_plainly_canonical(texts)


@EXAMPLES
@given(st.lists(times))
def test_quick_look_accepts_ordinary_times(texts: list[str]) -> None:
    """It is content with every canonical time up to the 28th of a month, so that it saves the careful look."""
    assert all_plainly_canonical([text for text in texts if text[8:10] <= "28"])


# --- clocks of other zones ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2026-07-01T10:00:00", "Z", "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00.5", "+05:30", "2026-07-01T04:30:00.500000Z"),
        ("2026-07-01T10:00:00.25", "Europe/Berlin", "2026-07-01T08:00:00.250000Z"),
        ("2026-01-01T10:00:00", "Europe/Berlin", "2026-01-01T09:00:00Z"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00Z"),
        ("2026-07-01T10:00:00", "Asia/Kolkata", "2026-07-01T04:30:00Z"),
    ],
)
def test_time_in_zone(local: str, zone: str, expected: str) -> None:
    """A local time and its zone make a time; an hour that summer time repeats or skips is read by the offset before."""
    assert time_in_zone(local, zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Z", ("", "Z")),
        ("-03:00", ("", "-03:00")),
        ("America/New_York", ("", "America/New_York")),
        ("IST=+05:30", ("IST", "+05:30")),
        ("IST=Asia/Kolkata", ("IST", "Asia/Kolkata")),
    ],
)
def test_stamp_zone(text: str, expected: tuple[str, str]) -> None:
    """What a zone of a log's stamps means: an offset or a name, for the zone before the equals sign or for all."""
    assert stamp_zone(text) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("Europe/Berlim", "did you mean 'Europe/Berlin'?"),
        *((text, "") for text in ("", "IST=", "+25:00", "+1:00", "05:30", "../../etc/passwd", "/etc/passwd", "Europe")),
        *((text, "") for text in ("\x00", "A" * 5_000, "caf\u00e9", "+05:30Z", "now")),
    ],
    ids=ascii,
)
def test_no_zone(text: str, hint: str) -> None:
    """What is no offset and no name is refused, with what is expected and the nearest name."""
    with pytest.raises(InputError, match="no time zone") as caught:
        stamp_zone(text)
    assert caught.value.expected == "Z, an offset such as +05:30, or a name such as Europe/Berlin"
    assert caught.value.hint == hint or not hint


def test_no_local_time() -> None:
    """A day that does not exist, and a time that falls out of range in UTC, are refused."""
    for local in ("2026-02-30T00:00:00", "1970-01-01T00:30:00", "10:00"):
        with pytest.raises(InputError):
            time_in_zone(local, "Europe/Berlin")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1, "1s"),
        (59.9996, "1m"),
        (60, "1m"),
        (252, "4m12s"),
        (252.5, "4m12.5s"),
        (3605, "1h5s"),
        (90061, "1d1h1m1s"),
        (-12, "-12s"),
    ],
)
def test_durations_for_people(seconds, text):
    """A duration in the largest units that it has."""
    assert duration_text(seconds) == text


def test_seconds_between():
    """From one time to another, whichever is later; unknown where one is missing."""
    assert seconds_between("2026-01-01T00:00:00.500000Z", "2026-01-01T00:01:00Z") == 59.5
    assert seconds_between("2026-01-01T00:01:00Z", "2026-01-01T00:00:00Z") == -60
    assert seconds_between(None, "2026-01-01T00:00:00Z") is None


# --- times as people say them ---------------------------------------------------------------------------------------

BERLIN, INDIA = "Europe/Berlin", "+05:30"

MEANT = {
    # what is said, the zone, the time of the last event: the moment
    ("09:17", "Z", "2026-03-02T09:57:15Z"): "2026-03-02T09:17:00Z",
    ("9:17", "Z", "2026-03-02T09:57:15Z"): "2026-03-02T09:17:00Z",
    ("09:17:30.5", "Z", "2026-03-02T09:57:15Z"): "2026-03-02T09:17:30.500000Z",
    ("09:17", BERLIN, "2026-03-02T09:57:15Z"): "2026-03-02T08:17:00Z",
    ("09:17", BERLIN, "2026-07-02T09:57:15Z"): "2026-07-02T07:17:00Z",
    ("00:17", BERLIN, "2026-03-02T23:30:00Z"): "2026-03-02T23:17:00Z",  # there it is the 3rd already
    ("23:17", INDIA, "2026-03-02T19:00:00Z"): "2026-03-03T17:47:00Z",
    ("09:17+01:00", INDIA, "2026-03-02T23:30:00Z"): "2026-03-03T08:17:00Z",
    ("09:17:30Z", BERLIN, "2026-03-02T23:30:00Z"): "2026-03-02T09:17:30Z",
    ("2026-03-02 09:17", BERLIN, ""): "2026-03-02T08:17:00Z",
    ("2026-03-02T09:17", "Z", ""): "2026-03-02T09:17:00Z",
    ("2026-03-02 09:17:30+01:00", INDIA, ""): "2026-03-02T08:17:30Z",
    ("2026-03-02T09:17:30.25Z", INDIA, ""): "2026-03-02T09:17:30.250000Z",
}

NOT_SAID = [
    "",
    "soon",
    "09",
    "0917",
    "09:17:3",
    "2026-03-02",
    "2026-03-02  09:17",
    "09:17 ",
    "09:17+1:00",
    "٠٩:١٧",
    "3/2 09:17",
]


@pytest.mark.parametrize(("said", "zone", "last"), MEANT)
def test_times_as_people_say_them(said, zone, last):
    """A missing day is that of the last event where the clock hangs; a missing offset is that of the zone."""
    assert said_time(said).moment(zone_of(zone), lambda: last) == MEANT[said, zone, last]


@pytest.mark.parametrize("text", NOT_SAID)
def test_what_nobody_says(text):
    """What is no time is refused with examples of what is one."""
    with pytest.raises(InputError) as refusal:
        said_time(text)
    assert (refusal.value.what, "09:17" in refusal.value.expected) == (f"{text!r} is not a time", True)


@pytest.mark.parametrize("text", ["24:00", "09:60", "2026-02-30 09:17", "1969-12-31 09:17", "2026-03-02 09:17+24:00"])
def test_times_that_no_clock_shows(text):
    """Days and hours that do not exist are refused as they were written."""
    with pytest.raises(InputError) as refusal:
        said_time(text).moment(UTC, lambda: "2026-03-02T09:57:15Z")
    assert text[-5:] in refusal.value.what
    assert not refusal.value.what.endswith("00Z' is not a time")


def test_a_time_that_comes_twice_is_refused_with_both():
    """At the end of summer time a clock shows an hour twice; which one is meant is asked for, not guessed."""
    with pytest.raises(InputError, match="twice") as refusal:
        said_time("2026-10-25 02:30").moment(zone_of(BERLIN), str)
    first, second = refusal.value.expected.removeprefix("an offset: ").split(" or ")
    assert canonical_time(first) == "2026-10-25T00:30:00Z"
    assert canonical_time(second) == "2026-10-25T01:30:00Z"


def test_a_time_that_clocks_skip_is_refused():
    """At the beginning of summer time clocks skip an hour: nothing can have happened then."""
    with pytest.raises(InputError, match="skip"):
        said_time("2026-03-29 02:30").moment(zone_of(BERLIN), str)
    assert said_time("2026-03-29 03:00").moment(zone_of(BERLIN), str) == "2026-03-29T01:00:00Z"


@pytest.mark.parametrize("name", ["", "Berlin", "europe/berlin2", "+1:00", "+24:00", "../UTC", "LOCAL"])
def test_zones_that_are_none(name):
    """A zone is local, an offset or a name of the tz database."""
    with pytest.raises(InputError, match="no time zone"):
        zone_of(name)


def test_times_in_another_zone():
    """Text has the offset behind a time; what is no time stays, and UTC keeps its Z."""
    assert in_zone("2026-07-02T09:57:15.250000Z", zone_of(BERLIN)) == "2026-07-02T11:57:15.250000+02:00"
    assert in_zone("2026-07-02T09:57:15Z", zone_of("UTC")) == "2026-07-02T09:57:15Z"
    assert in_zone("?", zone_of(BERLIN)) == "?"


@given(times, st.sampled_from([BERLIN, "America/St_Johns", "Pacific/Apia", "+14:00", "-00:30", "Z"]))
def test_what_a_zone_shows_can_be_said(at, zone):
    """What text shows can be given back as it stands; without its offset in the same zone too, unless it comes twice."""
    shown = in_zone(at, zone_of(zone))
    if shown.count(":") <= 3:  # before 1972 some offsets have seconds
        assert said_time(shown).moment(UTC, str) == at
