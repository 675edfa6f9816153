"""Given / when / then: what a test says of a cluster, and of what an application is told (docs/reference/testing.md).

::

    cti = Cti()
    cti.given(nodes="cm1 cm2", port="CTIP01 5001", opened_by="ivr")
    cti.when.node_failed("cm1")
    cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME", "INSERVICE 5001")
    assert cti.trace("received.log").conforms()

What a test expects and does not find is an AssertionError that reads like the report of ``diff``. What cannot be meant
(names that do not exist, messages that nobody can be told) is an :class:`~cti_es.vocabulary.errors.InputError`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_args

from cti_es.answers.device import explain_device, home_in_words
from cti_es.api import DiffResult, Log, Trace, diff, read_trace
from cti_es.api import open as open_log
from cti_es.logs.reading import Cut
from cti_es.report.rows import details
from cti_es.testing.told import check_told, first_difference
from cti_es.testing.words import Known, read_words
from cti_es.traces.diff.compare import Order
from cti_es.vocabulary.errors import CtiEsError, InputError, did_you_mean
from cti_es.vocabulary.event_text import unknown_type
from cti_es.vocabulary.events import EVENT_TYPES, fields_of, type_of

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def at_its_caller(method: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """What is wrong is the line of the test that calls this method: a traceback ends there, not inside of cti-es."""

    @wraps(method)
    def wrapped(*values: Arguments.args, **named: Arguments.kwargs) -> Result:
        __tracebackhide__ = True
        try:
            return method(*values, **named)
        except (AssertionError, CtiEsError) as error:
            raise error.with_traceback(None) from None

    return wrapped


Names = str | Sequence[str]
"""Names with blanks between them, or a list of names."""


class Cti:
    """A log in memory, with the words of a test.

    ``log`` is the :class:`cti_es.Log` behind it, for all that has no word here.
    """

    def __init__(self) -> None:
        self.log = Log()
        self.given = Given(self.log, self._prepared)
        self.when = Events(self.log, self._happens)
        self._first = 1
        self._asked = True

    @property
    def then(self) -> "Then":
        """What must be so now. ``when`` after a ``then`` begins anew."""
        self._asked = True
        return Then(self.log, self._first)

    @at_its_caller
    def trace(self, path: str | Path, **options: Any) -> "Received":
        """A trace of what an application received; ``options`` are those of :func:`cti_es.read_trace`.

        Raises :class:`InputError` for what cannot be read.
        """
        return Received(self.log, read_trace(path, **options))

    def __repr__(self) -> str:
        return f"<cti_es.testing.Cti, {self.log.version} events>"

    def _prepared(self) -> None:
        """What has happened so far is the start of what comes."""
        self._first, self._asked = self.log.version + 1, True

    def _happens(self) -> None:
        """The next event is what ``then`` asks about, with those before it back to the last ``then``."""
        if self._asked:
            self._first, self._asked = self.log.version + 1, False


class Events:
    """Events as calls: ``node_failed("cm1")``. The arguments are the fields of the event, in order or by name.

    Every event type is a method here (docs/reference/log-format.md#event-types). Raises
    :class:`~cti_es.vocabulary.errors.MisfitsRefused` for an event that does not fit, :class:`InputError` for a wrong
    value.
    """

    def __init__(self, log: Log, before: Callable[[], None]) -> None:
        self._log = log
        self._before = before

    def __getattr__(self, event_type: str) -> Callable[..., None]:
        """The method for an event type."""
        if event_type not in EVENT_TYPES:
            raise AttributeError(str(unknown_type(event_type, "an event")))

        @at_its_caller
        def append(*values: object, **fields: object) -> None:
            self._append(event_type, _named(event_type, values) | fields)

        return append

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *EVENT_TYPES]

    def _append(self, event_type: str, fields: Mapping[str, Any]) -> None:
        self._before()
        self._log.append(event_type, **fields)


class Given(Events):
    """What is there before anything happens: called with what a cluster has, or with an event, as :class:`Events`."""

    def __init__(self, log: Log, prepared: Callable[[], None]) -> None:
        super().__init__(log, lambda: None)
        self._prepared = prepared

    def _append(self, event_type: str, fields: Mapping[str, Any]) -> None:
        super()._append(event_type, fields)
        self._prepared()

    @at_its_caller
    def __call__(
        self,
        *,
        log: str | Path | None = None,
        nodes: Names = (),
        cti_managers: Names = (),
        provider: Names = (),
        port: Names = (),
        route_point: Names = (),
        phone: Names = (),
        group: Names | None = None,
        opened_by: Names = (),
    ) -> None:
        """Add to the cluster, in the order of these arguments.

        ``log`` is a SOURCE whose events are taken. ``nodes`` and ``cti_managers`` are names. ``provider`` is an
        application and the nodes of its CTI Managers: ``"ivr cm1 cm2"``. A ``port``, ``route_point`` or ``phone`` is a
        name and its lines: ``"CTIP01 5001 5002"``. Of these four a list has several. ``group`` is the CallManager group
        of the devices (left out: all nodes), ``opened_by`` the applications that open them.
        """
        if log is not None:
            self._log.extend(open_log(log).events())
        for node in _names(nodes):
            self._append("node_added", {"node": node})
        for node in _names(cti_managers):
            self._append("cti_manager_added", {"node": node})
        for app, managers in map(_head, _texts(provider)):
            self._append("provider_opened", {"app": app, "cti_managers": managers})
        devices = []
        for kind, texts in (("cti_port", port), ("route_point", route_point), ("phone", phone)):
            for device, lines in map(_head, _texts(texts)):
                fields = {"device": device, "kind": kind, "lines": lines}
                self._append("device_added", fields if group is None else fields | {"group": _names(group)})
                devices.append(device)
        if opened_by and not devices:
            hint = "name it in the same call, or say cti.given.device_opened('CTIP01', 'ivr')"
            raise InputError("opened_by without a device", expected="a port, route_point or phone beside it", hint=hint)
        for app in _names(opened_by):
            for device in devices:
                self._append("device_opened", {"device": device, "app": app})
        self._prepared()


class Then:
    """What must be so after the events of the last ``when``. The first of them has the version ``first``."""

    def __init__(self, log: Log, first: int) -> None:
        self._log = log
        self._first = first

    @at_its_caller
    def app(self, name: str) -> "AppThen":
        """An application. Raises :class:`InputError` for one that the log does not have."""
        known = Known([[one.event for one in self._log.events()]])
        known.check_app(name)
        return AppThen(self._log, self._first, name, known)

    @at_its_caller
    def device(self, name: str) -> "DeviceThen":
        """A device. Raises :class:`InputError` for one that the log does not have."""
        homes = self._log.homes()
        if name not in homes:
            hint = did_you_mean(name, homes)
            raise InputError(f"there is no device '{name}'", expected=", ".join(homes), hint=hint)
        return DeviceThen(self._log, name)


class AppThen:
    """What an application is told."""

    def __init__(self, log: Log, first: int, app: str, known: Known) -> None:
        self._log = log
        self._first = first
        self._app = app
        self._known = known

    @at_its_caller
    def is_told(self, *words: str, order: Order = "channel") -> None:
        """The application is told these messages by the events of ``when``, and no others.

        Each is a text: ``SUSPEND CTIP01``, ``OUTOFSERVICE 5001 (CallManagerFailure)``. What is clear may be left out:
        the device where there is one, the reason always. Order counts within a handle, as in ``diff``; with ``order``
        ``"device"`` within a device, with ``"total"`` over all. Raises AssertionError with the report.
        """
        self._check_something_happened()
        if order not in get_args(Order):
            raise InputError(f"found {order!r}", where="order", expected="channel, device or total")
        expected = read_words(words, self._app, self._known)
        came = [one for one in self._log.messages(app=self._app) if one.version >= self._first]
        check_told(self._app, expected, came, order, self._log)

    @at_its_caller
    def is_told_nothing(self) -> None:
        """The application is told nothing by the events of ``when``. Raises AssertionError with what it is told."""
        self.is_told()

    def _check_something_happened(self) -> None:
        if self._log.version < self._first:
            raise InputError("nothing has happened", expected="an event of when", hint="cti.when.node_failed('cm1')")


class DeviceThen:
    """Where a device is. Each method raises AssertionError with where it is, and why."""

    def __init__(self, log: Log, device: str) -> None:
        self._log = log
        self._device = device

    @at_its_caller
    def is_at(self, node: str) -> None:
        """The device is in service at this node."""
        nodes = self._nodes()
        if node not in nodes:
            raise InputError(f"there is no node '{node}'", expected=", ".join(nodes), hint=did_you_mean(node, nodes))
        self._check(self._log.homes()[self._device].home == node, f"in service at {node}")

    @at_its_caller
    def is_out_of_service(self) -> None:
        """The device is out of service, and waits for a node."""
        self._check(self._log.homes()[self._device].state == "out_of_service", "out of service")

    @at_its_caller
    def is_unregistered(self) -> None:
        """Nobody has the device open, or the system has closed it."""
        self._check(self._log.homes()[self._device].state == "unregistered", "unregistered")

    def _check(self, holds: bool, expected: str) -> None:
        if not holds:
            raise AssertionError("\n".join(self._report(expected)))

    def _report(self, expected: str) -> Iterator[str]:
        with self._log._place.reading() as log:
            at, _ = explain_device(log, self._device, Cut())
        yield f"{self._device} is {home_in_words(at.home)}; expected {expected}"
        yield ""
        yield f"  since       event {at.since}: {type_of[type(at.event)]} {details(at.event)}"
        yield f"  why         {at.why}"
        if at.waits_for:
            yield f"  waits for   {at.waits_for}"

    def _nodes(self) -> list[str]:
        return [one.event.node for one in self._log.events() if one.type == "node_added"]  # type: ignore[attr-defined]


class Received:
    """A trace that an application wrote, beside the log of the test. ``trace`` has its messages."""

    def __init__(self, log: Log, trace: Trace) -> None:
        self.trace = trace
        self._log = log

    @at_its_caller
    def diff(self, **options: Any) -> DiffResult:
        """The comparison with what the log causes; ``options`` are those of :func:`cti_es.diff`."""
        return diff(self._log, self.trace, **options)

    @at_its_caller
    def conforms(self, **options: Any) -> bool:
        """True if the trace is what the log causes. Raises AssertionError with the report of :meth:`diff` if not."""
        result = self.diff(**options)
        if not result.conforms:
            raise AssertionError(f"{self.trace.name}: {first_difference(result.differences)}\n\n{result}")
        return True


def _named(event_type: str, values: Sequence[object]) -> dict[str, object]:
    """The fields of an event by name, from their values in order."""
    fields = [field for field in fields_of(event_type) if field not in ("at", "id")]
    if len(values) > len(fields):
        raise InputError(f"{len(values)} values for {event_type}", expected=f"at most {', '.join(fields)}")
    return dict(zip(fields, values, strict=False))


def _names(names: Names) -> list[str]:
    return names.split() if isinstance(names, str) else list(names)


def _texts(texts: Names) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def _head(text: str) -> tuple[str, list[str]]:
    """The first name of a text, and those behind it."""
    first, *rest = text.split() or [""]
    return first, rest
