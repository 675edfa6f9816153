"""Notes for people on what decided whether an application was sent a message: its link, its wishes, its control.

They are read off the TSP's book before and after the event. Specified in
docs/reference/tsp.md#when-a-message-is-sent.
"""

from collections.abc import Iterator

from cti_es.model.book import REASONS_FROM, Book, Handle
from cti_es.vocabulary.tapi import STATE_FLAGS, Message


def notes_on(
    message: Message, sent: list[Message], unfiltered: list[Message], before: Book, after: Book
) -> Iterator[str]:
    """The notes on a message, and on who was not told of the same event.

    ``sent`` are the messages that its event sent about its device, itself included; ``unfiltered`` those that the event
    would have sent if every application wanted every state message. ``before`` and ``after`` are the TSP's book around
    the event.
    """
    yield from _on_link(message.app, before, after)
    if has_waited(message, before):
        event = message.rule.partition("/")[0]
        yield f"The message comes from {event} and waited until {message.app} had a link again."
    yield from _on_reason(message, _handle(message, before) or _handle(message, after))
    told = {one.app for one in sent}
    if message.rule in _CONFIGURATION:
        yield from _untold(message.device, told, before, after)
    else:
        yield from _without_link(message.device, told, after)
    yield from _unwanted(sent, unfiltered, before, after)


def has_waited(message: Message, before: Book) -> bool:
    """Whether a message had waited for a link in its application's queue. State messages never wait."""
    provider = before.providers.get(message.app)
    queued = message.message not in STATE_FLAGS and not message.rule.endswith("/reconnect")
    return queued and provider is not None and provider.link is None


def _on_link(app: str, before: Book, after: Book) -> Iterator[str]:
    """What has become of the application's link, where it has a provider."""
    was, now = before.providers.get(app), after.providers.get(app)
    if not was or not now:
        return
    are = "CTI Managers are" if len(now.cti_managers) > 1 else "only CTI Manager is"
    managers = f"its {are} {', '.join(now.cti_managers)}"
    if was.adrift:
        yield f"{app} had been adrift since event {was.since}, when its own connection was lost; {managers}."
    elif was.link is None:
        yield f"{app} had had no link since event {was.since}; {managers}."
    elif was.link != now.link:
        yield f"{app} lost its link to the CTI Manager of {was.link}; {managers}."
    if now.link and was.link != now.link:
        yield f"{app} is linked to the CTI Manager of {now.link} now."
    if now.adrift and not was.adrift:
        yield f"{app} is adrift now: it takes no other CTI Manager until an event says to which it is connected."


def _handle(message: Message, book: Book) -> Handle | None:
    handle = book.handle(message.device, message.app, message.line)
    return handle if handle and handle.version == message.handle else None


def _on_reason(message: Message, handle: Handle | None) -> Iterator[str]:
    out = message.param1_name in ("PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE")
    if out and handle and not handle.tells_reasons:
        yield (
            f"The handle was opened with extension version 0x{handle.ext_version:08X}: below 0x{REASONS_FROM:08X} no"
            " reason is given."
        )


def _without_link(device: str, told: set[str], after: Book) -> Iterator[str]:
    for app, _ in after.holders(device):
        provider = after.providers.get(app)
        if provider and provider.link is None and app not in told:
            state = "it has been adrift" if provider.adrift else "it has had no link"
            yield f"{app} was told nothing: {state} since event {provider.since}."


_CONFIGURATION = ("device_added/configure", "device_removed/configure", "lines_changed/configure")
"""The rules of changes that every application with a provider is told, if nothing stands against it."""


def _untold(device: str, told: set[str], before: Book, after: Book) -> Iterator[str]:
    """Who was told nothing of a change of the configuration, and why."""
    for app, provider in after.connected():
        if app in told:
            continue
        if event := before.providers[app].withdrawn.get(device):
            yield f"{app} was told nothing: event {event} withdrew {device} from what its user may control."
        elif provider.link is None:
            state = "it has been adrift" if provider.adrift else "it has had no link"
            yield f"{app} will be told when it has a link again: {state} since event {provider.since}."
    for app, _ in after.holders(device):
        if app not in after.providers and app not in told:
            yield f"{app} was told nothing: it has no provider, and only applications with one are told."


def _unwanted(sent: list[Message], unfiltered: list[Message], before: Book, after: Book) -> Iterator[str]:
    """Handle by handle, what its application does not want to be told. A handle may be closed by the same event."""
    came = {_said(message) for message in sent}
    kept_back: dict[tuple[str, str | None], list[str]] = {}
    for message in unfiltered:
        if _said(message) not in came:
            states = kept_back.setdefault((message.app, message.line), [])
            states.append(str(message.param1_name).partition("_")[2])
    for (app, line), states in kept_back.items():
        device = unfiltered[0].device
        handle = before.handle(device, app, line) or after.handle(device, app, line)
        wants = ", ".join(handle.wants or ()) if handle else ""
        what = "phone handle" if line is None else f"handle of line {line}"
        yield (
            f"{app} was not told {' and '.join(states)} on its {what}: of the state messages it wants"
            f" {wants or 'none'}."
        )


def _said(message: Message) -> tuple[str, str | None, int, int]:
    return message.app, message.line, message.msg, message.param1
