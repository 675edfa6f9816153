"""What decided whether an application was told: its link, what it had been told, what it wants.

Specified in docs/reference/tsp.md#when-a-message-is-sent.

Read from the TSP's book before and after an event, in sentences for people.
"""

from collections.abc import Iterator

from cti_es.model.book import REASONS_FROM, Book, Handle
from cti_es.vocabulary.tapi import STATE_FLAGS, Message


def notes_on(
    message: Message, sent: list[Message], unfiltered: list[Message], before: Book, after: Book
) -> Iterator[str]:
    """Notes on a message.

    ``sent`` are all that its event sent about its device, itself included; ``unfiltered`` what it would have sent if
    every application wanted every state message.
    """
    yield from _on_link(message.app, before, after)
    if has_waited(message, before):
        event = message.rule.partition("/")[0]
        yield f"The message comes from {event} and waited until {message.app} had a link again."
    yield from _on_reason(message, _handle(message, before) or _handle(message, after))
    yield from _without_link(message.device, {one.app for one in sent}, after)
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
    if was.link is None:
        yield f"{app} had had no link since event {was.since}; {managers}."
    elif was.link != now.link:
        yield f"{app} lost its link to the CTI Manager of {was.link}; {managers}."
    if now.link and was.link != now.link:
        yield f"{app} is linked to the CTI Manager of {now.link} now."


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
            yield f"{app} was told nothing: it has had no link since event {provider.since}."


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
