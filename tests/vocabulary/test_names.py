"""Names: 1 to 128 characters that a terminal shows as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES, names

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import MAX_NAME, check_name, printable

ACCEPTED = {
    "one character": "a",
    "128 characters": "n" * 128,
    "128 characters outside the BMP": "\U0001f4de" * 128,
    "blanks": " front desk ",
    "quotes and backslash": "a\"b\\c'd",
    "umlauts": "K\u00f6nigsstra\u00dfe",
    "combining": "e\u0301",
    "right to left letters": "\u05d0\u05d1\u05d2",
    "hash and comma": "RP#1,2",
    "no-break space, just above C1": "\u00a0",
    "last ASCII character": "~",
    "private use": "\ue000",
    "last character": "\U0010ffff",
}

REFUSED = {
    "empty": "",
    "129 characters": "n" * 129,
    "NUL": "a\x00",
    "tab": "a\tb",
    "newline": "a\n",
    "escape": "\x1b[31m",
    "last C0": "\x1f",
    "delete": "a\x7f",
    "first C1": "\x80",
    "next line": "\x85",
    "last C1": "\x9f",
    "left-to-right embedding": "a\u202a",
    "right-to-left override": "gpj.\u202eexe",
    "left-to-right isolate": "\u2066",
    "pop directional isolate": "a\u2069b",
    "lone high surrogate": "\ud800",
    "lone low surrogate": "a\udfff",
}


@pytest.mark.parametrize("name", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(name: str) -> None:
    """These are names, whatever they are names of."""
    assert check_name(name, "here") is None


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_refused(name: str) -> None:
    """These are not, and the error says where, what was found and what was expected."""
    with pytest.raises(InputError) as error:
        check_name(name, "here")

    assert error.value.where == "here"
    assert error.value.what
    assert error.value.expected
    assert str(error.value).isprintable()


@EXAMPLES
@given(names)
def test_any_name_is_accepted_and_printed_as_it_is(name: str) -> None:
    """A name has nothing that could steer a terminal."""
    check_name(name, "here")

    assert printable(name) == name


@EXAMPLES
@given(st.text(st.characters(), max_size=MAX_NAME))
def test_what_is_refused_is_printed_as_an_escape(text: str) -> None:
    """A text that is no name can still be shown; what is shown has no character that a name must not have."""
    shown = printable(text)

    assert shown.encode().decode() == shown
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[31m", "\\x1b[31m"), ("a\u202eb", "a\\u202eb"), ("a\nb", "a\\nb"), ("\ud800", "\\ud800"), ("\\n", "\\n")],
    ids=ascii,
)
def test_escapes(text: str, shown: str) -> None:
    """Control characters, overrides and surrogates are shown by number or by letter."""
    assert printable(text) == shown
