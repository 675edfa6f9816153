"""Sites under load: they fit, they are as large as asked for, and as plausible as the page says."""

from collections import Counter
from itertools import pairwise
from statistics import mean

import pytest

from cti_es.model.replay import Replay
from cti_es.testing.load import PER_PROVIDER, PROFILES, Size, load
from cti_es.vocabulary import events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import seconds_between

SIZE = Size(devices=600, calls_per_hour=3_000, outages=4, hours=1)
each = pytest.mark.parametrize("profile", PROFILES)


def of(made, kind):
    """The events of a type."""
    return [event for event in made if isinstance(event, kind)]


@each
def test_no_event_is_a_misfit_and_times_only_grow(profile):
    """The log can be appended as it is; at its end no call is active, and all that failed is back."""
    made = list(load(profile, SIZE, 7))
    replay = Replay()
    replay.advance(made)

    assert replay.taken_misfits() == []
    assert all(one.at <= other.at for one, other in pairwise(made) if len(one.at) == len(other.at))
    assert all(seconds_between(one.at, other.at) >= 0 for one, other in pairwise(made))
    assert not replay.cluster.calls
    assert {home.state for home in replay.cluster.devices.values()} == {"in_service"}
    assert all(provider.link for provider in replay.book.providers.values())


@each
def test_it_is_as_large_as_asked_for(profile):
    """Devices, calls an hour, outages and hours are those that were given, calls within what chance allows."""
    made = list(load(profile, SIZE, 3))
    calls = {event.call for event in of(made, events.CallStarted)}
    failures = of(made, events.NodeFailed | events.CtiManagerFailed)

    assert abs(len(of(made, events.DeviceAdded)) - SIZE.devices) <= 1
    assert abs(len(calls) - 3_000) < 4 * 3_000**0.5
    assert len(failures) == 4
    first, last = (of(made, events.CallStarted)[place].at for place in (0, -1))
    assert 3_500 < seconds_between(first, last) < 6_000


@each
def test_the_same_seed_gives_the_same_log(profile):
    """A log is as random as its seed."""
    size = Size(devices=100, calls_per_hour=500)

    assert list(load(profile, size, 1)) == list(load(profile, size, 1))
    assert list(load(profile, size, 1)) != list(load(profile, size, 2))


def test_load_is_shared():
    """Each node is the first of about as many groups and providers as any other, and an application is never too large."""
    made = list(load("recorder", Size(devices=9_000, calls_per_hour=0, outages=0), 1))
    homes = Counter(event.group[0] for event in of(made, events.DeviceAdded))
    providers = of(made, events.ProviderOpened)
    opened = Counter(event.app for event in of(made, events.DeviceOpened))

    assert len(homes) == 3
    assert max(homes.values()) - min(homes.values()) <= 1
    assert [one.cti_managers[0] for one in providers] == ["cm1", "cm2", "cm3", "cm1", "cm2", "cm3"]
    assert (
        set(opened) == {one.app for one in providers} == {*(f"recorder-{n}" for n in range(1, 5)), "media-1", "media-2"}
    )
    assert max(opened.values()) == PER_PROVIDER


def test_phones_have_users_of_several_applications():
    """In a contact centre the desktop and the recorder have the same phones open, and no one else has."""
    opened = of(load("contact-center", Size(devices=100, calls_per_hour=0), 1), events.DeviceOpened)
    apps = Counter(tuple(sorted(one.app for one in opened if one.device == event.device)) for event in opened)

    assert apps == {("desktop", "recorder"): 180, ("ivr",): 10, ("router",): 1}


def test_calls_last_as_long_as_the_page_says():
    """The mean length of a call on a phone of a contact centre is four minutes."""
    made = list(load("contact-center", Size(devices=2_000, calls_per_hour=10_000, outages=0), 5))
    began = {(one.call, one.device): one.at for one in of(made, events.CallStarted) if one.device.startswith("SEP")}
    lasted = [
        seconds_between(began[key], one.at)
        for one in of(made, events.CallEnded)
        if (key := (one.call, one.device)) in began
    ]

    assert 220 < mean(lasted) < 260


def test_more_calls_than_the_devices_can_take():
    """The error says how many are needed at a time, and how many there are."""
    with pytest.raises(InputError, match="208 phones in calls at a time, and 98 of them; expected fewer calls an hour"):
        load("office", Size(devices=100, calls_per_hour=5_555), 1)


def test_a_site_without_calls_or_outages():
    """It is only its configuration; a tiny one has a device of each kind."""
    made = list(load("office", Size(devices=1, calls_per_hour=0, outages=0, nodes=1, start="2026-03-02T08:00:00Z"), 1))

    assert Counter(type(event).__name__ for event in made) == {
        "NodeAdded": 1, "CtiManagerAdded": 1, "DeviceAdded": 3, "ProviderOpened": 3, "DeviceOpened": 3,
    }  # fmt: skip
    assert made[0].at == "2026-03-02T08:00:00.001000Z"
