"""Rows → text, NDJSON or CSV, to standard output or a file; and the options for that, the same on every command.

Results go to standard output, everything else to standard error. A file given with ``-o`` is whole or not there.
"""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Generic, NamedTuple, TextIO, TypeVar

import click

from cti_es.logs.store.open_files import is_sqlite
from cti_es.logs.store.servers import without_passwords
from cti_es.report.columns import padded, width
from cti_es.report.markdown import bar, heading
from cti_es.report.markdown import escaped as escaped_for_markdown
from cti_es.vocabulary.errors import InputError, blamed_on
from cti_es.vocabulary.names import escaped, printable
from cti_es_cli.exits import BROKEN_PIPE, ClosedPipe
from cti_es_cli.options import OutFile
from cti_es_cli.out_file import drafted, is_standard_output, status, target_of, written
from cti_es_cli.usage import unknown_choice

Row = TypeVar("Row")
AnyFunction = Callable[..., Any]

STDOUT = "standard output"
FORMATS = ("text", "markdown", "ndjson", "csv")
ENCODED = ("ndjson", "csv")
"""Formats in which a row is what it is, whatever stands above and below it."""

EVERY_FORMAT = (*FORMATS, "tapi-browser", "ladder", "mermaid")
"""Those of any command: what the environment may ask for."""

FOR_PEOPLE = ("text", "markdown")
"""Formats with sentences beside the rows."""

_ALIGNED_TOGETHER = 500


Narrower = Mapping[str, Callable[[Row], str] | None]
"""What makes a table narrower: titles of columns that are left out (None), or that say less."""


class View(NamedTuple, Generic[Row]):
    """How one kind of row is printed.

    ``titles`` and ``cells`` make text and Markdown, ``fields`` and ``values`` make CSV, ``json`` makes an NDJSON object
    (bytes without the newline), ``colour`` names the colour of a row on a terminal (None: plain). ``narrower`` is what
    is done, one after the other, while the table is wider than the terminal.
    """

    titles: tuple[str, ...]
    cells: Callable[[Row], tuple[str, ...]]
    fields: tuple[str, ...]
    values: Callable[[Row], list[Any]]
    json: Callable[[Row], bytes]
    colour: Callable[[Row], str | None] = lambda row: None
    narrower: tuple[Narrower[Row], ...] = ()


class Output:
    """Where rows go and in which format.

    ``live`` flushes after every batch (``--follow``). ``columns`` is how wide text may be; None: as wide as it is.
    ``name`` is what errors call it.
    """

    def __init__(
        self,
        format: str,
        stream: BinaryIO,
        colours: bool,
        live: bool = False,
        columns: int | None = None,
        name: str = STDOUT,
    ) -> None:
        self.format = format
        self._name = name
        self._stream = stream
        self._colours = colours
        self._live = live
        self._is_terminal = stream.isatty()
        self._columns = columns
        self._narrowed = 0
        self._widths: list[int] = []
        self._begun = False

    def rows(self, view: View[Row], batches: Iterable[Iterable[Row]]) -> None:
        """Print rows, batch by batch."""
        {"text": self._text, "markdown": self._markdown}.get(self.format, self._encoded)(view, batches)

    def write(self, data: bytes) -> None:
        """Print lines of data as they are; on a terminal, what could steer it (no good name has that) is escaped."""
        self._put(escaped(data.decode()).encode() if self._is_terminal else data)

    def _put(self, data: bytes) -> None:
        with self._writing():
            self._stream.write(data)
            if self._live:
                self._stream.flush()

    def flush(self) -> None:
        """Print what has been held back."""
        self._put(b"")
        with self._writing():
            self._stream.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with blamed_on(self._name):
                yield
        except OSError as error:
            if error.errno not in BROKEN_PIPE:
                raise
            raise ClosedPipe from None

    def line(self, text: str, colour: str | None = None) -> None:
        """Print a line of text; in a colour, on a terminal."""
        text = shown(text)
        self._put((click.style(text, fg=colour) if self._colours and colour else text).encode() + b"\n")

    def _encoded(self, view: View[Row], batches: Iterable[Iterable[Row]]) -> None:
        """Rows of NDJSON or CSV; a batch may be encoded already."""
        if self.format == "csv":
            self.write(_csv_lines([view.fields]))
        for batch in batches:
            if data := batch if isinstance(batch, bytes) else encoded(self.format, view, batch):
                self.write(data)

    def note(self, text: str, colour: str | None = None) -> None:
        """Print a sentence beside rows for people: a line of text, or a paragraph of Markdown."""
        if self.format == "markdown":
            self._block([escaped_for_markdown(text)])
        else:
            self.line(text, colour)

    def _block(self, lines: Iterable[str]) -> None:
        """A paragraph or a table of Markdown, with a blank line between it and what is before it."""
        self._put(("\n" * self._begun + "".join(f"{line}\n" for line in lines)).encode())
        self._begun = True

    def _markdown(self, view: View[Row], batches: Iterable[Iterable[Row]]) -> None:
        """All columns, whatever the width; nothing where there are no rows."""
        titles = list(heading(view.titles))
        for rows in batches if self._live else batched(joined(batches)):
            lines = [bar(view.cells(row)) for row in rows]
            if lines and titles:
                self._block([*titles, *lines])
                titles = []
            elif lines:
                self._put("".join(f"{line}\n" for line in lines).encode())

    def _text(self, view: View[Row], batches: Iterable[Iterable[Row]]) -> None:
        self._narrowed, self._widths = 0, []
        for rows in batches if self._live else [joined(batches)]:
            for some in batched(rows, _ALIGNED_TOGETHER):
                self._text_lines(view, some)

    def _text_lines(self, view: View[Row], rows: list[Row]) -> None:
        """Some rows below each other; the titles above the first of all, and again where the table gets narrower."""
        titles, lines = _table(view, rows, self._narrowed)
        before = self._widths
        self._widths = _widths([titles, *lines], before)
        while self._is_too_wide() and self._narrowed < len(view.narrower):
            self._narrowed += 1
            titles, lines = _table(view, rows, self._narrowed)
            before, self._widths = [], _widths([titles, *lines], [])
        if not before:
            self._put(self._styled(titles, "bold"))
        self._put(b"".join(self._styled(line, view.colour(row)) for line, row in zip(lines, rows, strict=True)))

    def _is_too_wide(self) -> bool:
        return self._columns is not None and sum(self._widths) + 2 * (len(self._widths) - 1) > self._columns

    def _styled(self, cells: tuple[str, ...], colour: str | None) -> bytes:
        text = "  ".join(map(padded, cells, self._widths)).rstrip()
        if self._colours and colour:
            text = click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)
        return text.encode() + b"\n"


def _table(view: View[Row], rows: list[Row], narrowed: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The titles and the cells of some rows, after so many of the steps that make the table narrower."""
    less = {title: cell for step in view.narrower[:narrowed] for title, cell in step.items()}
    kept = [index for index, title in enumerate(view.titles) if less.get(title, str) is not None]
    shorter = [(view.titles.index(title), cell) for title, cell in less.items() if cell is not None]
    lines = []
    for row in rows:
        cells = list(view.cells(row))
        for index, cell in shorter:
            cells[index] = cell(row)
        lines.append(tuple(shown(cells[index]) for index in kept))
    return tuple(view.titles[index] for index in kept), lines


def _widths(lines: list[tuple[str, ...]], at_least: list[int]) -> list[int]:
    """How wide each column has to be."""
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return [max(pair) for pair in zip(widths, at_least, strict=True)] if at_least else widths


def shown(text: str) -> str:
    """Text that cannot steer a terminal."""
    return printable(text)


def sourced(view: View[Row]) -> View[tuple[str, Row]]:
    """The view of rows that come with the SOURCE they are from (several SOURCEs): it stands first."""
    import msgspec

    encode = msgspec.json.encode
    return View(
        titles=("SOURCE", *view.titles),
        cells=lambda row: (row[0], *view.cells(row[1])),
        fields=("source", *view.fields),
        values=lambda row: [row[0], *view.values(row[1])],
        json=lambda row: b'{"source":' + encode(row[0]) + b"," + view.json(row[1])[1:],
        colour=lambda row: view.colour(row[1]),
        narrower=tuple(
            {title: cell and partial(_of_row, cell) for title, cell in step.items()} for step in view.narrower
        ),
    )


def _of_row(cell: Callable[[Row], str], row: tuple[str, Row]) -> str:
    return cell(row[1])


def encoded(format: str, view: View[Row], batch: Iterable[Row]) -> bytes:
    """Rows as lines of NDJSON or CSV; nothing where there are none."""
    if format == "csv":
        return _csv_lines(map(view.values, batch))
    return b"".join([view.json(row) + b"\n" for row in batch])


def _csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    import csv  # late, as is shutil: not every command needs it

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def opened(
    format: str, path: str | None, live: bool = False, in_place: bool = False, option: str = "-o", wide: bool = False
) -> Iterator[Output]:
    """Standard output, or the file of ``-o``: complete when this ends well, untouched when it does not.

    ``in_place``: the file may be one that the command reads. ``option`` is the one that names the file. ``wide``: rows
    may be wider than the terminal.
    """
    if path == "":
        raise click.UsageError(f"{option}: an empty name; give the name of a file")
    if path is None or path == "-" or is_standard_output(path):
        stream = standard_output().buffer
        yield Output(format, stream, _wants_colours(), live, None if wide else _columns())
        return
    if (old := status(path)) is not None and not stat.S_ISREG(old.st_mode):  # a pipe or a device is written to as it is
        with written(path) as device:
            yield Output(format, device, colours=False, live=True, name=path)
        return
    target = target_of(path, option)
    _refuse_store(target, f"{option} {path}")
    if not in_place:
        _refuse_input(target, f"{option} {path}")
    with drafted(target, path) as draft:
        yield Output(format, draft, colours=False, live=live, name=path)


def standard_output() -> TextIO:
    """Standard output. Raises :class:`InputError` if the process was started without one (``>&-``)."""
    if sys.stdout is None:
        raise InputError("there is no standard output", expected="somewhere to print to", hint="use -o FILE")
    return sys.stdout


def _refuse_store(target: Path, what: str) -> None:
    """A store is never overwritten by what was read from one."""
    if target.exists() and is_sqlite(target):
        raise click.UsageError(f"{what}: this is a store; give the name of another file")


def _refuse_input(target: Path, what: str) -> None:
    """Nor is any other file that the command reads (``-o *.log``, as the shell writes it out)."""
    context = click.get_current_context(silent=True)
    if context is None or not target.exists():
        return
    given = [value for name, value in context.params.items() if name not in _OUTPUTS]
    words = [word for value in given for word in (value if isinstance(value, tuple) else (value,))]
    if any(isinstance(word, str) and Path(word).is_file() and target.samefile(word) for word in words):
        raise click.UsageError(f"{what}: this file is read by the same command; give the name of another file")


_OUTPUTS = ("path", "junit", "listed")
"""The parameters that name files to write."""


def _wants_colours() -> bool:
    """NO_COLOR before FORCE_COLOR, and both before what standard output is."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _columns() -> int | None:
    """How wide the terminal is; None where standard output is none."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Keep what would be said on standard error: in a process whose standard error nobody reads."""
    lines: list[str] = []
    before = _HEARD.set(lines)
    try:
        yield lines
    finally:
        _HEARD.reset(before)


def warn(text: str) -> None:
    """A line for the user beside the result, on standard error; when that cannot be written the result still counts."""
    if (lines := _HEARD.get()) is not None:
        lines.append(text)
        return
    with suppress(OSError):
        click.echo(shown(without_passwords(text)), err=True)


def warn_of(warnings: Iterable[str]) -> None:
    """Print what a reader should know beside, on standard error."""
    for warning in warnings:
        warn(f"warning: {warning}")


class FormatType(click.Choice[str]):
    """``--format``. What the environment says counts where the command has that format; elsewhere it is text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format."""
        source = ctx.get_parameter_source(str(param.name)) if ctx and param else None
        if source is not click.core.ParameterSource.ENVIRONMENT or value in self.choices:
            return super().convert(value, param, ctx)
        if value not in EVERY_FORMAT:
            self.fail(str(unknown_choice(value, EVERY_FORMAT)), param, ctx)
        return "text"


def format_option(command: AnyFunction, formats: tuple[str, ...] = FORMATS, what: str = "rows") -> AnyFunction:
    """``--format`` and ``--ndjson``: how to print ``what``. The command gets ``format``."""
    command = click.option("--ndjson", "format", flag_value="ndjson", help="Short for --format ndjson.")(command)
    return click.option(
        "--format",
        type=FormatType(formats),
        envvar="CTI_ES_FORMAT",
        show_envvar=True,
        default="text",
        show_default=True,
        help=f"How to print {what}.",
    )(command)


def output_options(command: AnyFunction, formats: tuple[str, ...] = FORMATS, what: str = "rows") -> AnyFunction:
    """``--format``, ``--ndjson`` and ``-o``, the same everywhere. The command gets ``format`` and ``path``."""
    command = click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")(command)
    return format_option(command, formats, what)


def wide_option(command: AnyFunction) -> AnyFunction:
    """``--wide``: rows as wide as they are, also on a narrow terminal."""
    return click.option("--wide", is_flag=True, help="All columns, also when the terminal is too narrow for them.")(
        command
    )


def batched(rows: Iterable[Row], size: int = 1_000) -> Iterator[list[Row]]:
    """Rows in lists of at most ``size``."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def joined(batches: Iterable[Iterable[Row]]) -> Iterator[Row]:
    """The rows of all batches."""
    return chain.from_iterable(batches)
