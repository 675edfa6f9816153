"""Names: 1 to 128 characters that a terminal shows as they are."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES, names

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import MAX_NAME, check_name, escaped, printable

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
    "last that is a character": "\U0010fffd",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Malayalam with a joiner": "\u0d28\u0d4d\u200d\u0d31",
    "Mongolian with a selector": "\u182d\u180b\u1820",
    "Japanese name with a selector": "\u845b\U000e0100\u57ce",
    "emoji of several": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "visible sign of category Cf": "\u0600\u0661",
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
    "soft hyphen": "a\u00adb",
    "Arabic letter mark": "a\u061cb",
    "Hangul filler": "\u3164",
    "zero width space": "a\u200bb",
    "left-to-right mark": "a\u200eb",
    "right-to-left mark": "\u05d0\u200f",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "word joiner": "a\u2060b",
    "byte-order mark": "\ufeffa",
    "interlinear annotation": "a\ufff9b",
    "tag": "a\U000e0041",
    "cancel tag": "\U0001f3f4\U000e007f",
    "noncharacter": "\ufdd0",
    "last code point": "\U0010ffff",
    "joiner between ASCII letters": "cm\u200d1",
    "joiner at the end": "\u0645\u200d",
    "joiner at the beginning": "\u200d\u0645",
    "two joiners": "\u0645\u200c\u200c\u0645",
    "selector behind ASCII": "cm1\ufe0f",
    "selector alone": "\ufe0f",
    "two selectors": "\u845b\U000e0100\U000e0101",
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


VISIBLE = frozenset(map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)))
"""Signs that stand under or over digits: format characters to Unicode, but everybody sees them."""


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Zl", "Zp"])
def test_every_character_of_a_category(category: str) -> None:
    """No control, format or surrogate character and no separator of lines is in a name of ASCII, but what is seen."""
    found = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) == category and printable(f"a{character}b") == f"a{character}b"
    }

    assert found <= VISIBLE


def test_every_noncharacter() -> None:
    """What Unicode keeps free of characters for ever is in no name."""
    last = (plane * 0x10000 + end for plane in range(17) for end in (0xFFFE, 0xFFFF))

    assert all(printable(chr(number)) != chr(number) for number in (*range(0xFDD0, 0xFDF0), *last))


def test_what_is_refused_is_named() -> None:
    """The error says what kind of character it is, because nobody can see it."""
    for name, kind in (("a\u200b", "invisible"), ("a\u200f", "turns"), ("a\u2028", "line"), ("a\u200db", "between")):
        with pytest.raises(InputError, match=kind):
            check_name(name, "here")


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
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb", "a\\nb"),
        ("\ud800", "\\ud800"),
        ("\\n", "\\n"),
        ("a\u2028b", "a\\u2028b"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u200db", "a\\u200db"),
    ],
    ids=ascii,
)
def test_escapes(text: str, shown: str) -> None:
    """Control characters, overrides and surrogates are shown by number or by letter."""
    assert printable(text) == shown


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_json_escapes(name: str) -> None:
    """On a terminal NDJSON has the same characters in the way of JSON: it still says the same."""
    line = json.dumps(name, ensure_ascii=False)
    shown = escaped(line)

    assert json.loads(shown) == name
    assert printable(shown) == shown
