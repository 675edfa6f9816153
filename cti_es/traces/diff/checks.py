"""What cannot be compared, or hardly means what it says: errors to raise and warnings to show after a comparison."""

from collections.abc import Collection, Mapping
from typing import Literal

from cti_es.traces.diff.channels import Name
from cti_es.traces.diff.compare import Comparison
from cti_es.traces.diff.handles import Given, bare
from cti_es.vocabulary.errors import NoTimes, OtherApplication, did_you_mean
from cti_es.vocabulary.words import verb


def check_sides(found: Comparison, apps: Collection[str] = ()) -> None:
    """Raise :class:`~cti_es.vocabulary.errors.OtherApplication` if the sides are of different applications.

    ``apps`` are the applications of the log that is the expectation, for one that causes no message.
    """
    left, right = _apps(found, "expected") or set(apps), _apps(found, "actual")
    if left and right and not left & right:
        raise OtherApplication(_apart(left, right), expected="messages to the same application")


def _apart(left: set[str], right: set[str]) -> str:
    alike = [(one, other) for one in sorted(left) for other in sorted(right) if one.lower() == other.lower()]
    if alike:
        return f"two applications that differ in case only: {alike[0][0]} and {alike[0][1]}"
    return f"two traces of different applications: {', '.join(sorted(left))} and {', '.join(sorted(right))}"


def check_times(found: Comparison) -> None:
    """Raise :class:`~cti_es.vocabulary.errors.NoTimes` if one side has no times at all."""
    sides: tuple[Literal["expected", "actual"], ...] = ("expected", "actual")
    for side in sides:
        channels = [getattr(one, side) for one in found.pairs]
        if not any(message.at for channel in channels if channel for message in channel.messages):
            raise NoTimes(
                f"{side.upper()} has no times to compare",
                expected="messages with times",
            )


def handles_of_nothing(found: Comparison, given: Mapping[str, Given]) -> list[str]:
    """Warnings of handles that came and that are said to stand for channels without an expected message: mistyped?"""
    names = [one.expected.name for one in found.pairs if one.expected]
    expected = {Given(app, name.device or "", name.line) for name in names for app in (name.app, None)}
    came = [given.get(bare(one.actual.name.handle)) for one in found.pairs if one.actual]
    lost = [one for one in came if one and one not in expected]
    if not lost:
        return []
    stand = verb(len(lost), "stand")
    return [
        f"of the handles given, {len(lost):,} {stand} for channels without an expected message, the first for"
        f" {_said(lost[0])}{_near(lost[0], names)}"
    ]


def _said(one: Given) -> str:
    what = f"{one.device}/{one.line}" if one.line else one.device
    return what + (f" of {one.app}" if one.app else "")


def _near(one: Given, names: list[Name]) -> str:
    near = did_you_mean(one.device, {name.device for name in names if name.device} - {one.device})
    return f"; {near}" if near else ""


def _apps(found: Comparison, side: Literal["expected", "actual"]) -> set[str]:
    """The applications that a side names."""
    channels = [getattr(one, side) for one in found.pairs]
    return {channel.name.app for channel in channels if channel and channel.name.app is not None}
