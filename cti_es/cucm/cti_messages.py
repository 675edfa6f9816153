"""What a CTI Manager and an application say to each other, as SDL traces have it, in the words of the alarms.

::

    00895255.002 |08:59:16.944 |AppInfo |[CTI-APP] [CTIHandler::processIncomingMessage] CTI ProviderOpenRequest (…
    00895256.000 |08:59:16.944 |SdlSig  |CtiProviderOpenReq |init_complete_await_provopen |CTIHandler(1,200,22,7) |…
    00895329.000 |08:59:17.339 |SdlSig  |CtiDeviceOpenDeviceRes |ready |CTIHandler(1,200,22,7) |…
    00895329.003 |08:59:17.340 |AppInfo |[CTI-APP] [CTIHandler::OutputCtiMessage ] CTI DeviceOpenResponse ( … DH=1|38 …)

A line belongs to the handler to which the signal of the same number went: it has one for each connection, whose number
is its last. A response answers the request of its sequence number. Events name a device by a handle (``DH=1|38``) and a
line by another (``LH=1|7``), which the response to its open has bound for that handler.

Nobody has published a close, an out-of-service event or a line: these are read by their names and handles, and of what
else stands there only what needs no guess (docs/reference/imports.md#cti-manager-traces).
"""

import re
from typing import NamedTuple

_HANDLER = re.compile(r"SdlSig[ ]{0,8}\|[^|]{0,80}\|[^|]{0,80}\|CTIHandler\((\d{1,10}),\d{1,10},\d{1,10},(\d{1,10})\)")
_MESSAGE = re.compile(r"AppInfo[ ]{1,8}\|\[CTI-APP\][ ]\[CTIHandler::\w{1,40}[ ]?\][ ]CTI[ ](\w{1,60})[ ]?\((.*)")
_LOGIN = re.compile(r"(?:[ ]LoginId|AppLoginUserId)=([^ ]{1,128})")
_ACTIVITY = re.compile(r"AppInfo[ ]{1,8}\|[ ]*DeviceOpenActivity[ ]\(\):[ ]activity:[ ]1,[ ]connID:[ ](\d+),(.*)")
_FIELD = re.compile(
    r"(?i)\b(DH|LH|seq#|device ?name|result|login|error code|dirnum|dn|line ?name)[ ]?[=:][ ]*([^ ,)]+)"
)
_TO_HANDLER = "|CTIHandler("
_MOST = 100_000

_NAMES = {"dn": "dirnum", "linename": "dirnum", "errorcode": "result"}
_NO_ERROR = ("0", "0x0")

_REFUSED = {
    "ProviderOpenResponse": "CtiProviderOpenFailure",
    "ProviderOpenCompletedEvent": "CtiProviderOpenFailure",
    "DeviceOpenResponse": "CtiDeviceOpenFailure",
    "LineOpenResponse": "CtiLineOpenFailure",
}
"""Message → the alarm that it is with a result that is none of success."""

_TOLD = {
    "DeviceInServiceEvent": "CtiDeviceInService",
    "DeviceOutOfServiceEvent": "CtiDeviceOutofService",
    "LineInServiceEvent": "CtiLineInService",
    "LineOutOfServiceEvent": "CtiLineOutOfService",
}
_CLOSED = {
    "DeviceCloseResponse": ("CtiDeviceClosed", "5"),
    "DeviceClosedEvent": ("CtiDeviceClosed", "0"),
    "LineCloseResponse": ("CtiLineClosed", "6"),
    "LineClosedEvent": ("CtiLineClosed", "0"),
}
"""Message → the alarm, and its reason: that the application has closed, or that it is not known."""

_PROVIDER_CLOSED = {"ProviderCloseResponse": "3", "ProviderClosedEvent": "0"}

Fields = dict[str, str]


class Said(NamedTuple):
    """The name of an alarm that says the same, and its tags."""

    mnemonic: str
    tags: Fields


class CtiHandlers:
    """The handlers of one trace. ``refused`` are the connections whose logins were refused."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self._number = ""
        self._session: _Session | None = None
        self._sessions: dict[tuple[str, str], _Session] = {}

    def said(self, number: str, text: str, start: int, end: int) -> list[Said]:
        """What a line says: ``number`` stands before its dot, ``text[start:end]`` behind its stamp."""
        if text.startswith("SdlSig", start):
            self._number, self._session = number, self._of_signal(text, start, end)
            return []
        if number != self._number or self._session is None:
            return []
        if (message := _MESSAGE.match(text, start, end)) is not None:
            said = self._session.said(message[1], _fields(message[2]))
            if said and said[0].mnemonic == "CtiProviderOpenFailure" and len(self.refused) < _MOST:
                self.refused.add(self._session.connection)
            return said
        if (activity := _ACTIVITY.match(text, start, end)) is not None:
            return self._session.device_opened(_fields(activity[2]))
        return []

    def _of_signal(self, text: str, start: int, end: int) -> "_Session | None":
        """The session of the handler to which a signal goes, with the login if that stands there."""
        signal = _HANDLER.match(text, start, end) if text.find(_TO_HANDLER, start, end) >= 0 else None
        if signal is None:
            return None
        handler = (signal[1], signal[2])
        if handler not in self._sessions and len(self._sessions) >= _MOST:
            del self._sessions[next(iter(self._sessions))]
        session = self._sessions.setdefault(handler, _Session(*handler))
        if (login := _LOGIN.search(text, signal.end(), end)) is not None:
            session.login = login[1]
        return session


class _Session:
    """One handler: its login, what was asked by it, which handle is what, and the open devices with their lines."""

    def __init__(self, node: str, connection: str) -> None:
        self.login = ""
        self.connection = connection
        self._node = node
        self._is_open = False
        self._asked: dict[str, Fields] = {}
        self._things: dict[str, Fields] = {}
        self._open: dict[str, set[str]] = {}

    def said(self, name: str, fields: Fields) -> list[Said]:
        """What a message says, by its name and what is understood of it."""
        number = fields.pop("seq#", "")
        if name.endswith("Request"):
            self.login = fields.get("login", self.login)
            if len(self._asked) < _MOST:
                self._asked[number] = fields
            return []
        if name.endswith("Response"):
            fields = {**self._asked.pop(number, {}), **fields}
        if (result := fields.get("result", "0")) not in _NO_ERROR:
            return self._refused(name, fields, result)
        if name == "ProviderOpenCompletedEvent":
            return self._provider_opened()
        if name == "DeviceOpenResponse":
            return self.device_opened(fields)
        if name == "LineOpenResponse":
            return self._line_opened(fields)
        if name in _PROVIDER_CLOSED:
            return self._provider_closed(_PROVIDER_CLOSED[name])
        return self._of_thing(name, self._things.get(fields.get("lh") or fields.get("dh", ""), {}))

    def device_opened(self, fields: Fields) -> list[Said]:
        """A device is open now; its application has logged in before."""
        device = fields.get("devicename", "")
        if not device:
            return []
        self._bind(fields.get("dh"), {"devicename": device})
        is_known = device in self._open
        self._open.setdefault(device, set())
        return [*self._provider_opened(), *([] if is_known else [self._tagged("CtiDeviceOpened", devicename=device)])]

    def _line_opened(self, fields: Fields) -> list[Said]:
        """A line is open now. Its device is named by the handle of the request, and the line by its number there."""
        line = {**self._things.get(fields.get("dh", ""), {}), **_only(fields, "devicename", "dirnum")}
        if len(line) < 2:
            return []
        self._bind(fields.get("lh"), line)
        lines = self._open.setdefault(line["devicename"], set())
        if line["dirnum"] in lines:
            return []
        lines.add(line["dirnum"])
        return [*self._provider_opened(), self._tagged("CtiLineOpened", **line)]

    def _of_thing(self, name: str, thing: Fields) -> list[Said]:
        """What became of a device or a line that is known by its handle."""
        device, line = thing.get("devicename", ""), thing.get("dirnum")
        lines = self._open.get(device)
        if lines is None or (line is not None and line not in lines):
            return []
        if name in _TOLD:
            return [self._tagged(_TOLD[name], **thing)]
        if name not in _CLOSED:
            return []
        mnemonic, reason = _CLOSED[name]
        if line is None:
            del self._open[device]
        else:
            lines.discard(line)
        return [self._tagged(mnemonic, **thing, reason=reason)]

    def _provider_opened(self) -> list[Said]:
        if self._is_open or not self.login:
            return []
        self._is_open = True
        return [self._tagged("CtiProviderOpened", loginuserid=self.login)]

    def _provider_closed(self, reason: str) -> list[Said]:
        if not self._is_open:
            return []
        self._is_open = False
        self._open.clear()
        return [self._tagged("CtiProviderClosed", loginuserid=self.login, reason=reason)]

    def _refused(self, name: str, fields: Fields, result: str) -> list[Said]:
        if name not in _REFUSED:
            return []
        device = self._things.get(fields.get("dh", ""), {})
        names = {**device, **_only(fields, "devicename", "dirnum"), "loginuserid": self.login}
        return [self._tagged(_REFUSED[name], **_only(names, *names), reason=result)]

    def _bind(self, handle: str | None, thing: Fields) -> None:
        if handle and len(self._things) < _MOST:
            self._things[handle] = thing

    def _tagged(self, mnemonic: str, **tags: str) -> Said:
        return Said(mnemonic, {**tags, "cticonnectionid": self.connection, "nodenumber": self._node})


def _only(fields: Fields, *names: str) -> Fields:
    """Of these fields those that have a value."""
    return {name: fields[name] for name in names if fields.get(name)}


def _fields(text: str) -> Fields:
    found = [(name.replace(" ", "").lower(), value) for name, value in _FIELD.findall(text)]
    return {_NAMES.get(name, name): value for name, value in found}
