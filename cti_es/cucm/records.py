"""One alarm of a log: when and where it was written, and what its parameters say.

Specified in docs/reference/imports.md#log-lines. What costs time is found out when it is asked for: most lines of a log
are about something that nobody asks for.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from cti_es.cucm.stamps import Time, Times, WhyNoTime, zone_of

Tagged = tuple[dict[str, str], str, bool]
"""The parameters of an alarm, the text behind them, and whether it is cut off."""

_APP_ID = "[AppID="
_DEVICE_NAME = "[DeviceName="
_NODE_ID = "[NodeID="
_LONGEST_PROCESS = 128


class Head(NamedTuple):
    """What an alarm is: facility (such as ``UC_CTI``), severity (0 to 7) and name. An SDL trace has the name alone."""

    facility: str
    severity: int | None
    mnemonic: str


class Record(msgspec.Struct, gc=False, eq=False):
    """One alarm of a log.

    ``line`` is the number of its (first) line. ``host`` is the one of the line's head (:attr:`node` is better),
    ``sequence`` its number there; None where it has none. ``raw`` is what stands behind its name: tags and text, as
    written. ``times`` understands its ``stamp``; a record without one has a ``time``, or no time at all. ``is_copy``:
    RTMT wraps another line, which comes by itself. ``order``, of a trace, is where it stands among those of its
    time (None: as its sequence number says, or its line). ``tagged`` is what ``raw`` says, once somebody has asked.
    """

    line: int
    host: str | None
    sequence: int | None
    head: Head
    raw: str
    times: Times | None = None
    stamp: str = ""
    time: Time | None = None
    is_copy: bool = False
    order: int | None = None
    tagged: Tagged | None = None

    @property
    def mnemonic(self) -> str:
        """The name of the alarm."""
        return self.head.mnemonic

    @property
    def facility(self) -> str:
        """Such as ``UC_CTI``; empty in an SDL trace."""
        return self.head.facility

    @property
    def severity(self) -> int | None:
        """0 to 7. It is not fixed for an alarm: match on the mnemonic."""
        return self.head.severity

    @property
    def at(self) -> str | None:
        """Its canonical UTC time, or None and :attr:`why` says why not."""
        return self._when()[0]

    @property
    def why(self) -> WhyNoTime | None:
        """Why it has no time."""
        return self._when()[1]

    @property
    def zone(self) -> str:
        """The time zone of its stamp, as written; empty in an SDL trace."""
        return zone_of(self.stamp) if self.stamp else ""

    @property
    def tags(self) -> dict[str, str]:
        """Its parameters. Keys are normalised (:func:`tag_key`); of a key that stands twice the first counts."""
        return self._parts()[0]

    @property
    def text(self) -> str:
        """What stands behind the tags."""
        return self._parts()[1]

    @property
    def is_cut(self) -> bool:
        """Whether the line ends inside its tags, or the tags are not what they should be."""
        return self._parts()[2]

    @property
    def node(self) -> str | None:
        """The host name of the node that logged it: the tag NodeID, else the host of the line."""
        return self._tag(_NODE_ID, "nodeid") or self.host

    @property
    def place_in_time(self) -> int:
        """By what records of one node come one after the other that have the same time."""
        return next(number for number in (self.sequence, self.order, self.line) if number is not None)

    @property
    def device(self) -> str:
        """The device that it is about; empty if it names none."""
        return self._tag(_DEVICE_NAME, "devicename")

    @property
    def process(self) -> str:
        """The service that logged it: the last AppID in it, for RTMT's copies have that of another line before."""
        start = self.raw.rfind(_APP_ID)
        if start < 0:
            return self.tags.get("appid", "")[:_LONGEST_PROCESS]
        start += len(_APP_ID)
        end = self.raw.find("]", start, start + _LONGEST_PROCESS)
        return self.raw[start : end if end >= 0 else start + _LONGEST_PROCESS]

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits: equal for the same alarm by whatever way it came, by when, where, and what it says."""
        text = f"{self.mnemonic.lower()}\n{self.at}\n{(self.node or '').lower()}\n{self.sequence}\n{self.raw.strip()}"
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def without_text(self) -> "Record":
        """A copy without parameters and text, so small that many of them can be kept."""
        return Record(self.line, self.host, self.sequence, self.head, "", time=self._when())

    def _tag(self, mark: str, key: str) -> str:
        """One tag, without looking at the others where it stands as today's releases write it; else empty."""
        raw = self.raw
        if self.tagged is None and (start := raw.find(mark) + len(mark)) >= len(mark):
            value = raw[start : raw.find("]", start)]
            if "\\" not in value:
                return value.strip()
        return self.tags.get(key, "")

    def _when(self) -> Time:
        if self.time is None:
            self.time = self.times.at(self.stamp) if self.times and self.stamp else (None, "no_time")
        return self.time

    def _parts(self) -> Tagged:
        if self.tagged is None:
            self.tagged = tagged(self.raw)
        return self.tagged


# --- tags -----------------------------------------------------------------------------------------------------------

_TAG = r"[ ]*+\[((?:[^\]\\]|\\.)*+)\]"
_TAGS = re.compile(rf"[ ]*+%(?:{_TAG})++")
_EACH_TAG = re.compile(_TAG)
_ESCAPED = re.compile(r"\\(.)")

_OLD_KEYS = {
    "reasoncode": "reason",
    "remoteipaddressofremoteapplication": "remoteipaddress",
    "uniquelinkid": "linkid",
    "hostnameofhostingnode": "hostname",
    "ipaddressofhostingnode": "ipaddress",
    "devicemacaddress": "macaddress",
    "deviceipaddress": "ipaddress",
    "devicedescription": "description",
    "additionaltext": "text",
}
"""Normalised key of an older release → the one of today (docs/reference/imports.md#log-lines)."""

_LABELS = (
    "Remote IP address of remote application", "Unique Link ID", "Local node ID", "Local Application ID",
    "Remote application ID", "RemoteIPAddress", "LinkID", "LocalNodeId", "LocalApplicationID", "RemoteNodeID",
    "RemoteApplicationID", "Additional Text", "Host name of hosting node", "IP address of hosting node", "HostName",
    "Reason code", "Reason", "Device name", "DeviceName", "Device MAC address", "Device IP address",
    "Device type", "DeviceType", "Device description", "Description", "MACAddress", "Protocol", "Service Name",
    "ServiceName", "CCMVersion", "Login User Id", "LoginUserId", "SeqNumber", "CTIconnectionId", "CTI connection Id",
    "Version", "DeviceId", "MediaControlled", "AssociatedCMIPAddr", "CmAssignedAppID", "DirNum", "Partition", "LineId",
    "callManagerId", "IPAddress", "IPv6Address", "Name", "Detail", "App ID", "AppID", "Cluster ID", "ClusterID",
    "Node ID", "NodeID",
)  # fmt: skip
"""The parameters of lines without tags: pre-8 alarms and SDL traces (docs/reference/imports.md#log-lines)."""

_ANY_LABEL = "|".join(re.escape(label) for label in sorted(_LABELS, key=len, reverse=True))
_LABEL = re.compile(rf"(?i)(?<![A-Za-z0-9])({_ANY_LABEL})\.?(?: ?\[Optional\])?\.?:")

_LABELS_WITHIN = 8_192
_NO_CATALOGUE = "UNKNOWN_PARAMNAME:"


@lru_cache(maxsize=4_096)
def tag_key(key: str) -> str:
    """The key of a tag as all releases mean it: lower case, no blanks, dots or ``[Optional]``, today's name.

    ``UNKNOWN_PARAMNAME:`` goes, too: CUCM puts it before a parameter that its catalogue does not have.
    """
    key = key.strip().removeprefix(_NO_CATALOGUE).lower()
    plain = key.replace("[optional]", "").replace(" ", "").replace(".", "")
    return _OLD_KEYS.get(plain, plain)


def tagged(rest: str) -> Tagged:
    """What follows the mnemonic → tags, text, whether it is cut off."""
    return _plainly_tagged(rest) or _carefully_tagged(rest)


def _plainly_tagged(rest: str) -> Tagged | None:
    """The same of a line without escapes, blanks between tags and other oddities, some times as fast."""
    start, end = rest.find("%["), rest.find("]:")
    if start < 0 or end < start or "\\" in rest or rest[:start].strip(" "):
        return None
    section = rest[start + 2 : end]
    pairs = section.split("][")
    if section.count("[") != len(pairs) - 1 or section.count("]") != len(pairs) - 1:
        return None
    tags: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        tags.setdefault(tag_key(key), value.strip())
    return tags, rest[end + 2 :].strip(), False


def _carefully_tagged(rest: str) -> Tagged:
    section = _TAGS.match(rest)
    if section is None:
        text = rest.strip()
        return _labelled(text), text, text.startswith("%[")
    tags: dict[str, str] = {}
    for pair in _EACH_TAG.findall(section[0]):
        key, _, value = pair.partition("=")
        tags.setdefault(tag_key(key), (_ESCAPED.sub(r"\1", value) if "\\" in value else value).strip())
    text = rest[section.end() :].lstrip(" ")
    return tags, text.removeprefix(":").strip(), not text.startswith(":")


def _labelled(text: str) -> dict[str, str]:
    """The parameters of a text without tags: ``Device name.:SEP… Reason Code [Optional].:12``."""
    labels = list(_LABEL.finditer(text, 0, _LABELS_WITHIN))
    ends = [*[label.start() for label in labels], len(text)]
    tags: dict[str, str] = {}
    for label, end in zip(labels, ends[1:], strict=True):
        tags.setdefault(tag_key(label[1]), text[label.end() : end].strip())
    return tags
