"""Lines of a cluster's log, files of them, and a small log to import them into."""

import io
from functools import partial

from cti_es.cucm.files import File
from cti_es.cucm.stamps import LogLineOptions
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import MemoryStore
from cti_es.logs.store.base import events_of
from cti_es.vocabulary.event_text import event_from_fields
from cti_es.vocabulary.events import NumberedEvents

TOPOLOGY = [
    *({"type": "node_added", "node": node} for node in ("cm1", "cm2", "cm3")),
    {"type": "cti_manager_added", "node": "cm2"},
    {"type": "cti_manager_added", "node": "cm3"},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["5001", "5002"]},
    {"type": "device_added", "device": "SEP1", "kind": "phone", "lines": ["3001"]},
]
LINES = LogLineOptions()


def events(store, log="default"):
    """The events of a log."""
    return [event for row in store.rows(log) for event in events_of(row, "memory")]


def new_store(*more, at="2026-03-01T00:00:00Z"):
    """The same, and further events."""
    store = MemoryStore()
    found = []
    for event in (*TOPOLOGY, *more):
        fields = {key: value for key, value in {"at": at, **event}.items() if key != "type"}
        found.append(event_from_fields(event["type"], fields, "x"))
    append(store, "default", [NumberedEvents(range(len(found)), found)], AppendOptions())
    return store


def alarm(second, name, node="cm1", seq=None, **tags):
    """A line of a log; ``second`` counts from 09:00."""
    text = "".join(f"[{key}={value}]" for key, value in tags.items())
    clock = f"09:{int(second) // 60:02}:{int(second) % 60:02}.{round(second % 1 * 1000):03}"
    number = f"{round(second * 1000) if seq is None else seq}: "
    return f"{number}{node}: Mar 02 2026 {clock} UTC : %UC_X-3-{name}: %{text}[AppID=x][ClusterID=][NodeID={node}]: t"


NUMBERS = {"cm1": 1, "cm2": 2, "cm3": 3}


def link(second, by, of, up=False, app=100):
    """A node reports that the link to another is lost, or restored."""
    tags = {"LocalNodeId": NUMBERS[by], "RemoteNodeID": NUMBERS[of], "RemoteApplicationID": app}
    return alarm(second, "SDLLinkISV" if up else "SDLLinkOOS", by, **tags)


def opened(second, node="cm2", connection=7, user="ivr"):
    """An application logs in at a CTI Manager."""
    return alarm(second, "CtiProviderOpened", node, LoginUserId=user, CTIconnectionId=connection)


def cti(second, name, node="cm2", connection=7, device="P", **tags):
    """A CTI alarm about a device."""
    return alarm(second, name, node, CTIconnectionId=connection, DeviceName=device, **tags)


def stream(text):
    return io.BufferedReader(io.BytesIO(text.encode()))


def files(*contents):
    """Files of some lines each."""
    return [File(f"f{number}.log", partial(stream, "\n".join(lines))) for number, lines in enumerate(contents, 1)]


GIVEN = {f"number {number}": node for node, number in NUMBERS.items()}


def back(second, node="cm1", device="SEP1"):
    """A device registers."""
    return alarm(second, "EndPointRegistered", node, DeviceName=device)
