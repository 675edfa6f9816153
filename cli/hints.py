"""Ways out of an error that are options of the command line: the library knows none of them."""

from cti_es.vocabulary.errors import CtiEsError, NothingExpected, NoTimes, OtherApplication, TooMuchUnpacked

HINTS: dict[type[CtiEsError], str] = {
    NothingExpected: "check --app, versions and times",
    NoTimes: "--date makes times of the stamps of a trace",
    OtherApplication: "see --app",
    TooMuchUnpacked: "--unpack-limit SIZE (or none) lets more out",
}


def hinted(error: CtiEsError) -> CtiEsError:
    """The error with a way out, if it has none of its own."""
    error.hint = error.hint or HINTS.get(type(error), "")
    return error
