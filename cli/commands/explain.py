"""``explain``: why a message came, or why a device is where it is."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cti_es.logs.reading import Cut, Log
from cti_es_cli.options import as_of_option
from cti_es_cli.output import Output, opened, output_options, warn_of
from cti_es_cli.sources import CountedLog, open_log, source_argument
from cti_es_cli.times import shown_time

if TYPE_CHECKING:
    from cti_es.answers.device import OpenHandle, Placement
    from cti_es.answers.message import Explanation
    from cti_es.answers.untold import Effect
    from cti_es.vocabulary.tapi import Message


@click.command(
    short_help="Say why a message came, or why a device is where it is.",
    epilog="""\b
Examples:
  cti-es explain site.db 12
  cti-es explain site.db --device CTIP01 --as-of 2026-03-01T10:15:00Z
  cti-es explain site.db --device CTIP01 --event 1187""",
)
@source_argument()
@click.argument("seq", type=click.IntRange(min=1), metavar="[SEQ]", required=False)
@click.option("--device", metavar="DEVICE", help="Explain where this device is, not a message.")
@click.option(
    "--event",
    "version",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --device: what event N did to it, and why it told nothing.",
)
@as_of_option("With --device: at this version or time, not at the end.")
@partial(output_options, formats=("text", "ndjson"), what="it")
def command(
    source: str,
    seq: int | None,
    device: str | None,
    version: int | None,
    as_of: Cut | None,
    format: str,
    path: str | None,
) -> None:
    """Explain message number SEQ of the replay, or with --device where a device was and why.

    With --device and --event: what an event did to the device, and why applications were not told.
    """
    from cti_es.vocabulary.events import encode

    _check(seq, device, version, as_of)
    with open_log(source, again=True) as log, opened(format, path) as output:
        found, show, warnings = _explained(CountedLog(log), seq, device or "", version, as_of or Cut())
        if format == "ndjson":
            output.write(encode(found) + b"\n")
        else:
            show(output, found, log.name)
        warn_of(warnings)


def _check(seq: int | None, device: str | None, version: int | None, as_of: Cut | None) -> None:
    """Refuse what does not say one thing to explain."""
    if (seq is None) == (device is None):
        raise click.UsageError("give either the number of a message or --device")
    if seq is not None and as_of is not None:
        raise click.UsageError("--as-of goes with --device; a message has its own place in the log")
    if version is not None and (device is None or as_of is not None):
        raise click.UsageError("--event goes with --device, and an event has its own place in the log (no --as-of)")


def _explained(
    log: Log, seq: int | None, device: str, version: int | None, cut: Cut
) -> tuple[Any, Callable[[Output, Any, str], None], list[str]]:
    """What was asked: the explanation, what prints it, and what a reader should know beside."""
    from cti_es.answers.device import explain_device
    from cti_es.answers.message import explain_message
    from cti_es.answers.untold import explain_event

    if seq is not None:
        return explain_message(log, seq), _print_message, []
    if version is not None:
        return explain_event(log, device, version), _print_effect, []
    placement, warnings = explain_device(log, device, cut)
    return placement, _print_placement, warnings


def _print_message(output: Output, found: "Explanation", name: str) -> None:
    from cti_es.answers.device import home_in_words
    from cti_es.report.rows import details
    from cti_es.vocabulary.events import type_of

    message = found.message
    line = f", line {message.line}" if message.line is not None else ""
    event = f"{type_of[type(found.event)]} {details(found.event)}"
    for text in (
        f"Message {message.seq} of {name}",
        f"  {_said(message)}",
        f"  to application {message.app}, device {message.device}{line}, {_handle(message)}",
        "",
        f"{'Delivered' if found.waited else 'Caused'} by event {message.version}{_at(message.at)}: {event}",
        f"Rule {message.rule}: {found.why}",
        *found.notes,
        "",
        f"Before: {message.device} {home_in_words(found.before)}",
        f"After:  {message.device} {home_in_words(found.after)}",
        "",
        f"All that event {message.version} sent about {message.device}:",
    ):
        output.line(text)
    for one in found.messages:
        mark = ">" if one.seq == message.seq else " "
        output.line(f"{mark} {one.seq}  {one.app}  {_what(one.line)}  {_said(one)}")


def _handle(message: "Message") -> str:
    if message.handle is None:
        return "no handle"
    return f"handle {message.handle} (opened by event {message.handle})"


def _said(message: "Message") -> str:
    if message.handle is None:
        return f"{message.message} (device id {message.param1})"
    state = f" {message.param1_name} (0x{message.param1:x})" if message.param1_name else ""
    reason = f", reason {message.param2_name} ({message.param2})" if message.param2_name else ""
    return f"{message.message}{state}{reason}"


def _print_effect(output: Output, found: "Effect", name: str) -> None:
    from cti_es.answers.device import home_in_words
    from cti_es.report.rows import details
    from cti_es.vocabulary.events import type_of

    event = f"{type_of[type(found.event)]} {details(found.event)}"
    output.line(f"Event {found.version} of {name}{_at(found.event.at)}: {event}")
    output.line("")
    output.line(f"Before: {found.device} {home_in_words(found.before)}")
    output.line(f"After:  {found.device} {home_in_words(found.after)}")
    output.line("")
    output.line(f"Sent about {found.device}: {'' if found.messages else 'nothing'}".rstrip())
    for one in found.messages:
        output.line(f"  {one.seq}  {one.app}  {_what(one.line)}  {_said(one)}")
    for silent in found.not_told:
        whom = f"{silent.app}, {_what(silent.line)}: " if silent.app else ""
        output.line(f"Not told: {whom}{silent.text}")


def _what(line: str | None) -> str:
    return "phone" if line is None else f"line {line}"


def _print_placement(output: Output, found: "Placement", name: str) -> None:
    from cti_es.answers.device import home_in_words
    from cti_es.report.rows import details
    from cti_es.vocabulary.events import type_of

    at = found.home
    output.line(f"{at.device} ({at.kind}) in {name} at version {found.version}")
    output.line(f"  {home_in_words(at)}")
    output.line("")
    event = f"{type_of[type(found.event)]} {details(found.event)}"
    output.line(f"Since event {found.since}{_at(found.event.at)}: {event}")
    output.line(f"Why: {found.why}")
    if found.refused_by:
        output.line(f"Refused by: {', '.join(found.refused_by)}")
    for number, nodes in found.lines_refused_by.items():
        output.line(f"Line {number} refused by: {', '.join(nodes)}")
    if found.waits_for:
        output.line(f"Waits for: {found.waits_for}")
    for one in found.withdrawn:
        output.line(f"Not controlled by: {one.app}, since event {one.since} withdrew it")
    for handle in found.handles:
        output.line(f"Open: {_open(handle)}")


def _open(handle: "OpenHandle") -> str:
    what = "phone device" if handle.line is None else f"line {handle.line}"
    parts = [f"{handle.app}, {what}, handle {handle.handle}, last told {_TOLD[handle.told]}"]
    if handle.link:
        parts.append(f"linked to {handle.link}")
    if not handle.reachable:
        what = "adrift" if handle.adrift else "no link to a CTI Manager"
        parts.append(f"{what} since event {handle.link_since}")
    if handle.wants is not None:
        parts.append(f"wants {' and '.join(handle.wants) or 'no state messages'}")
    if handle.ext_version is not None:
        parts.append(f"extension version 0x{handle.ext_version:08X}")
    return "; ".join(parts)


_TOLD = {"in": "in service", "out": "out of service"}


def _at(at: str | None) -> str:
    return f" at {shown_time(at)}" if at else ""
