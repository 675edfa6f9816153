"""Ways out of an error that are options of the command line: the library knows none of them."""

from cti_es.vocabulary.errors import (
    CtiEsError,
    MisfitsRefused,
    NoGaps,
    NothingExpected,
    NoTimes,
    OtherApplication,
    StoreLocked,
    TooMuchUnpacked,
    UnencryptedRefused,
    UnknownFormat,
    UnreadableMessage,
    WorkerDied,
)

HINTS: dict[type[CtiEsError], str] = {
    MisfitsRefused: "--allow-misfits stores them all the same",
    StoreLocked: "try again, or wait longer (--wait)",
    NothingExpected: "check --app, versions and times",
    NoTimes: "--date makes times of the stamps of a trace",
    NoGaps: "--speed max needs no times",
    OtherApplication: "see --app",
    UnknownFormat: "an option names the format, and --line-pattern reads any other (see --help)",
    UnreadableMessage: "--skip-bad of diff and lint leaves such messages out",
    TooMuchUnpacked: "--unpack-limit SIZE (or none) lets more out",
    UnencryptedRefused: "--insecure allows it in a network that you trust",
    WorkerDied: "fewer --jobs leave each more memory",
}


def hinted(error: CtiEsError) -> CtiEsError:
    """The error with the option that is its way out, if there is one, behind what else could be done."""
    option = HINTS.get(type(error), error.hint)
    beside = error.hint if isinstance(error, UnreadableMessage) else ""
    error.hint = f"{beside}; {option}" if beside else option
    return error
