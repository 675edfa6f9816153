"""What a CTI Manager and an application say to each other, as SDL traces have it, in the words of the alarms.

::

    00895256.000 |08:59:16.944 |SdlSig  |CtiProviderOpenReq |init_complete_await_provopen |CTIHandler(1,200,22,7) |…
    00895329.000 |08:59:17.339 |SdlSig  |CtiDeviceOpenDeviceRes |ready |CTIHandler(1,200,22,7) |…
    00895329.003 |08:59:17.340 |AppInfo |[CTI-APP] [CTIHandler::OutputCtiMessage ] CTI DeviceOpenResponse ( … DH=1|38 …)

A line belongs to the handler to which the signal of the same number went: it has one for each connection, whose number
is its last. Events name a device by a handle (``DH=1|38``), which the response to its open has bound for that handler.
Fields behind the handle are not read, since nobody has published lines that have them
(docs/reference/imports.md#cti-manager-traces).
"""

import re
from typing import NamedTuple

_HANDLER = re.compile(r"SdlSig[ ]{0,8}\|[^|]{0,80}\|[^|]{0,80}\|CTIHandler\((\d{1,10}),\d{1,10},\d{1,10},(\d{1,10})\)")
_MESSAGE = re.compile(r"AppInfo[ ]{1,8}\|\[CTI-APP\][ ]\[CTIHandler::\w{1,40}[ ]?\][ ]CTI[ ](\w{1,60})[ ]?\((.*)")
_LOGIN = re.compile(r"(?:[ ]LoginId|AppLoginUserId)=([^ ]{1,128})")
_ACTIVITY = re.compile(r"AppInfo[ ]{1,8}\|[ ]*DeviceOpenActivity[ ]\(\):[ ]activity:[ ]1,[ ]connID:[ ](\d+),(.*)")
_FIELD = re.compile(r"(DH|device ?[nN]ame|result)[=:][ ]*([^ ,)]+)")
_TO_HANDLER = "|CTIHandler("
_NO_HANDLER = ("", "")
_MOST = 100_000


class Said(NamedTuple):
    """The name of an alarm that says the same, and its tags."""

    mnemonic: str
    tags: dict[str, str]


class CtiHandlers:
    """The handlers of one trace: who has logged in by each, and which handle is which device."""

    def __init__(self) -> None:
        self._number = ""
        self._handler = _NO_HANDLER
        self._logins: dict[tuple[str, str], str] = {}
        self._opened: set[tuple[str, str]] = set()
        self._devices: dict[tuple[str, str, str], str] = {}
        self._open_devices: set[tuple[str, str, str]] = set()

    def said(self, number: str, text: str, start: int, end: int) -> list[Said]:
        """What a line says: ``number`` stands before its dot, ``text[start:end]`` behind its stamp."""
        if text.startswith("SdlSig", start):
            signal = _HANDLER.match(text, start, end) if text.find(_TO_HANDLER, start, end) >= 0 else None
            self._number, self._handler = number, (signal[1], signal[2]) if signal else _NO_HANDLER
            if signal and len(self._logins) < _MOST and (login := _LOGIN.search(text, signal.end(), end)) is not None:
                self._logins[self._handler] = login[1]
            return []
        if number != self._number:
            self._handler = _NO_HANDLER
        if (message := _MESSAGE.match(text, start, end)) is not None:
            return self._of_message(message[1], dict(_fields(message[2])))
        if (activity := _ACTIVITY.match(text, start, end)) is not None:
            return self._open(dict(_fields(activity[2])).get("device", ""), "")
        return []

    def _of_message(self, name: str, fields: dict[str, str]) -> list[Said]:
        device = self._devices.get((*self._handler, fields.get("dh", "")), "")
        if name == "DeviceOpenResponse":
            if (result := fields.get("result", "0")) not in ("0", "0x0"):
                return [self._tagged("CtiDeviceOpenFailure", devicename=fields.get("device", ""), reason=result)]
            return self._open(fields.get("device", ""), fields.get("dh", ""))
        if name == "DeviceInServiceEvent" and device:
            return [self._tagged("CtiDeviceInService", devicename=device)]
        if name == "DeviceOutOfServiceEvent" and device:
            return [self._tagged("CtiDeviceOutofService", devicename=device)]
        return []

    def _open(self, device: str, handle: str) -> list[Said]:
        """A device is open now; its application has logged in before."""
        thing = (*self._handler, device)
        is_known = thing in self._open_devices
        if not device or not self._handler[1] or (is_known and not handle):
            return []
        if len(self._devices) < _MOST:
            self._devices[*self._handler, handle] = device
            self._open_devices.add(thing)
        said = []
        if self._handler not in self._opened and (login := self._logins.get(self._handler)):
            self._opened.add(self._handler)
            said.append(self._tagged("CtiProviderOpened", loginuserid=login))
        return [*said, *([] if is_known else [self._tagged("CtiDeviceOpened", devicename=device)])]

    def _tagged(self, mnemonic: str, **tags: str) -> Said:
        node, connection = self._handler
        return Said(mnemonic, {**tags, "cticonnectionid": connection, "nodenumber": node})


def _fields(text: str) -> list[tuple[str, str]]:
    names = {"devicename": "device"}
    found = [(name.replace(" ", "").lower(), value) for name, value in _FIELD.findall(text)]
    return [(names.get(name, name), value) for name, value in found]
