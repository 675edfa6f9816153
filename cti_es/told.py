"""What decided whether an application was told: its link, what it had been told, what it wants (tsp-behaviour §1, §3).

Read from the TSP's book before and after an event, in sentences for people.
"""

from collections.abc import Iterator

from cti_es.tapi import Message
from cti_es.tsp import REASONS_FROM, Book, Handle, Held

_STATES = frozenset({"PHONE_STATE", "LINE_LINEDEVSTATE"})


def notes_on(message: Message, others: list[Message], before: Book, after: Book) -> Iterator[str]:
    """Notes on a message; ``others`` are all that its event sent about its device, itself included."""
    yield from _on_link(message.app, before, after)
    if _has_waited(message, before):
        yield f"It waited: {message.app} had no link when {_event(message)} happened on its device, or before."
    handle = _handle(message, before) or _handle(message, after)
    if handle and message.message in _STATES:
        yield from _on_handle(message, handle)
    yield from _silent(message.device, {(one.app, one.line) for one in others}, before, after)


def _on_link(app: str, before: Book, after: Book) -> Iterator[str]:
    """What has become of the application's link, where it has a provider."""
    was, now = before.providers.get(app), after.providers.get(app)
    if not was or not now:
        return
    managers = f"its CTI Managers are {', '.join(now.cti_managers)}"
    if was.link and was.link != now.link:
        yield f"{app} lost its link to the CTI Manager of {was.link}; {managers}."
    if now.link and was.link != now.link:
        yield f"{app} is linked to the CTI Manager of {now.link} now."
    if was.link is None:
        yield f"{app} had had no link since event {was.since}; {managers}."


def _has_waited(message: Message, before: Book) -> bool:
    provider = before.providers.get(message.app)
    always = message.message not in _STATES and not message.rule.endswith("/reconnect")
    return always and provider is not None and provider.link is None


def _event(message: Message) -> str:
    return message.rule.partition("/")[0]


def _handle(message: Message, book: Book) -> Handle | None:
    held = book.held.get(message.device, {}).get(message.app, Held())
    handle = held.handle(message.line)
    return handle if handle and handle.version == message.handle else None


def _on_handle(message: Message, handle: Handle) -> Iterator[str]:
    if message.rule.endswith("/announce"):
        return
    if not handle.tells_reasons and message.param2_name is None and handle.told == "out":
        yield (
            f"The handle was opened with extension version 0x{handle.ext_version:08X}: below 0x{REASONS_FROM:08X} no"
            " reason is given."
        )


def _silent(device: str, told: set[tuple[str, str | None]], before: Book, after: Book) -> Iterator[str]:
    """Who has a handle on the device, and why the event told nothing about it."""
    for app, held in sorted(after.held.get(device, {}).items(), key=lambda item: after.apps[item[0]]):
        provider = after.providers.get(app)
        if provider and provider.link is None and not any(one == app for one, _ in told):
            yield f"{app} was told nothing: it has had no link since event {provider.since}."
            continue
        was = before.held.get(device, {}).get(app, Held())
        for line in (None, *held.lines):
            now, then = held.handle(line), was.handle(line)
            if now and then and now.told != then.told and (app, line) not in told:
                what = "phone handle" if line is None else f"handle of line {line}"
                wants = ", ".join(now.wants or ()) or "none"
                yield f"{app} was told nothing on its {what}: of the state messages it wants {wants}."
