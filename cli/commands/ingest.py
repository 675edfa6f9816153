"""``ingest``: what a syslog collector drops into folders, into a log, for as long as it runs."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cti_es.logs import clock
from cti_es.logs.open import Address, only_log, parse_address
from cti_es.logs.store import Store
from cti_es.logs.store.servers import is_server
from cti_es.vocabulary.errors import InputError, StoreLocked
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.words import counted, verb
from cti_es_cli.cluster_views import FINDINGS
from cti_es_cli.commands.import_ import (
    LONGEST_GRACE,
    advised,
    grace_option,
    mends,
    nodes_given,
    nodes_option,
    store_to_import,
    year_option,
)
from cti_es_cli.options import Seconds, TimeType, stamp_tz_option, wait_option
from cti_es_cli.output import Output, opened, output_options, warn
from cti_es_cli.sources import InFile, unpack_limit, unpack_option
from cti_es_cli.times import tz_option

if TYPE_CHECKING:
    from cti_es.cucm.findings import Findings
    from cti_es.cucm.ingest.running import Ingest, Pass, Watch

FEWEST_SECONDS = 0.1
"""A shorter interval would only look."""


@click.command(
    short_help="Import what is dropped into folders, as it comes.",
    epilog="""\b
Examples:
  cti-es ingest site.db --watch /var/log/cucm --nodes nodes.csv
  cti-es ingest site.db#lab --watch syslog --watch cdr --lateness 1h
  cti-es ingest site.db --watch /var/log/cucm --once
  cti-es ingest site.db --watch /var/log/cucm --rebuild site.db#again""",
)
@click.argument("store", metavar="STORE[#LOG]", type=InFile())
@click.option("--watch", "folders", multiple=True, required=True, type=InFile(), metavar="FOLDER",
              help="Where the files are, and in the folders below (again for more).")  # fmt: skip
@click.option("--lateness", type=Seconds(), default="5m", show_default=True, metavar="TIME",
              help="How long lines wait for nodes that are behind.")  # fmt: skip
@click.option("--since", type=TimeType(stored=True), help="Leave out lines that are older.")
@click.option("--interval", type=Seconds(), default="5s", show_default=True, metavar="TIME",
              help="How often to look.")  # fmt: skip
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--no-more", is_flag=True, help="Nothing more will come: store what waits, too, and end.")
@click.option("--rebuild", "new", type=InFile(), metavar="STORE#NEWLOG",
              help="Make a new log with everything in its place, and end.")  # fmt: skip
@click.option("--aside", type=click.Path(), metavar="FOLDER",
              help="Where to keep lines that come too late. Default: STORE.LOG.aside.")  # fmt: skip
@nodes_option
@year_option
@stamp_tz_option("What a time zone of the stamps is, or every unknown one.")
@grace_option
@click.option("--source", metavar="TEXT", help="Where the events come from, kept with them.")
@wait_option
@tz_option
@unpack_option
@output_options
def command(
    store: str,
    folders: tuple[str, ...],
    lateness: float,
    since: str | None,
    interval: float,
    once: bool,
    no_more: bool,
    new: str | None,
    aside: str | None,
    nodes_file: str | None,
    year: int | None,
    zones: tuple[tuple[str, str], ...],
    grace: float,
    source: str | None,
    wait: float,
    format: str,
    path: str | None,
) -> None:
    """Import what a syslog collector drops into folders, as it comes, until Ctrl-C.

    Files are read as import reads them, while they are still written, when they have been renamed, and packed with
    gzip. A line waits until every file has passed its time, or --lateness is over; so the log is the one that a single
    import of all files would make. What comes later is kept aside.
    """
    from cti_es.cucm.findings import Findings
    from cti_es.cucm.ingest.running import Watch
    from cti_es.cucm.stamps import LogLineOptions

    if source:
        check_name(source, "--source")
    if new is not None and (once or no_more):
        raise click.UsageError("--rebuild ends by itself; leave out --once and --no-more")
    address = parse_address(store)
    _check_folders(folders)
    with closing(store_to_import(address.store, wait)) as target:
        log = address.log or only_log(target)
        lines = LogLineOptions(year, None, {zone: means for zone, means in zones if zone}, dict(zones).get(""))
        watch = Watch(
            [Path(folder) for folder in folders],
            lambda known: nodes_given(nodes_file, known),
            lines,
            Path(aside) if aside else _beside(address, log),
            timedelta(seconds=lateness),
            timedelta(seconds=min(grace, LONGEST_GRACE)),
            source or "ingest",
            unpack_limit(),
            since or "",
        )
        with opened(format, path) as output:
            if new is not None:
                _rebuild(target, log, watch, new, wait, output)
                return
            running = _Running(target, log, watch, Findings())
            if once or no_more:
                running.once(no_more)
            else:
                running.until_stopped(max(interval, FEWEST_SECONDS))
            running.report(output)


def _rebuild(store: Store, log: str, watch: "Watch", new: str, wait: float, output: Output) -> None:
    from cti_es.cucm.ingest.rebuild import rebuild
    from cti_es.cucm.unknowns import OutagesLost

    try:
        done = rebuild(store, log, watch, parse_address(new), wait)
    except OutagesLost as lost:
        raise InputError(lost.what, hint=mends(lost)) from None
    output.rows(FINDINGS, [advised(done.findings)])
    output.flush()
    warn(f"{done.appended}")


class _Running:
    """An ingest that goes on, and begins anew where it was when something has failed."""

    def __init__(self, store: Store, log: str, watch: "Watch", findings: "Findings") -> None:
        self._store, self._log, self._watch, self._findings = store, log, watch, findings
        self._said: set[str] = set()
        self._waiting = 0
        self._ingest: Ingest = self._begun()

    def once(self, is_last: bool) -> None:
        """One pass."""
        done = self._ingest.once(is_last)
        self._say(done)
        if done.waiting:
            warn(f"{counted(done.waiting, 'line')} {verb(done.waiting, 'wait')}")
        for name in done.half:
            warn(f"{name}: the last line has no end yet, so it waits, too")

    def until_stopped(self, interval: float) -> None:
        """Pass after pass, until Ctrl-C or SIGTERM."""
        with _stoppable() as is_stopped:
            while not is_stopped():
                try:
                    self._say(self._ingest.once())
                except StoreLocked as error:
                    self._once_said(f"warning: {error}; trying again")
                    self._ingest.close()
                    self._ingest = self._begun()
                until = clock.seconds() + interval
                while not is_stopped() and (left := until - clock.seconds()) > 0:
                    clock.pause(min(left, 0.2))
            self.once(False)

    def report(self, output: Output) -> None:
        """What was found, as import reports it."""
        output.rows(FINDINGS, [advised(self._ingest.report())])
        output.flush()

    def _begun(self) -> "Ingest":
        from cti_es.cucm.ingest.running import Ingest

        return Ingest(self._store, self._log, self._watch, self._findings)

    def _say(self, done: "Pass") -> None:
        if done.is_anew:
            warn("warning: what was kept of earlier passes cannot be used: everything is read again")
        if done.appended is not None and (done.appended.appended or done.appended.duplicates or done.late):
            warn(f"{done.appended}")
        if done.late:
            warn(f"warning: {counted(done.late, 'line')} came too late: kept aside in {self._watch.aside}")
        if done.unplaced:
            what = counted(done.unplaced, "line")
            warn(f"warning: {what} of failures or recoveries cannot be placed: kept aside in {self._watch.aside}")
        for folder in done.lost:
            self._once_said(f"warning: {folder}: no such folder; waiting for it")
        for name, why in done.ignored.items():
            self._once_said(f"warning: {name} is not read: {why}")

    def _once_said(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            warn(text)


@contextmanager
def _stoppable() -> "Iterator[_Stop]":
    """Ctrl-C and SIGTERM end after the pass that runs; a second Ctrl-C ends at once."""
    stop = _Stop()
    before = {one: signal.signal(one, stop.ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _Stop:
    """Whether somebody wants this to end."""

    def __init__(self) -> None:
        self._is_asked = False

    def __call__(self) -> bool:
        """Whether it is to end."""
        return self._is_asked

    def ask(self, number: int, frame: object) -> None:
        """End, please."""
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True


def _beside(address: Address, log: str) -> Path:
    """Where lines are kept aside: beside the file of the store, or here if it is on a server."""
    if is_server(address.store):
        return Path(f"{log}.aside")
    return address.path.with_name(f"{address.path.name}.{log}.aside")


def _check_folders(folders: tuple[str, ...]) -> None:
    for folder in folders:
        if not Path(folder).is_dir():
            what = "not a folder" if Path(folder).exists() else "no such folder"
            raise InputError(what, where=folder, expected="a folder to watch")
