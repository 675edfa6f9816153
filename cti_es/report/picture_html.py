"""HTML and SVG as text: elements whose children and attributes are escaped, since names come from customers."""

from html import escape

from cti_es.vocabulary.names import printable


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def text(words: str) -> Html:
    """Words, so that they mean nothing in HTML and none of their characters turns or hides others."""
    return Html(escape(printable(words)))


def tag(name: str, attributes: dict[str, object] | None = None, *children: str) -> Html:
    """An element. Children that are no :class:`Html` are escaped; attributes that are None are left out."""
    words = "".join(f' {key}="{text(str(value))}"' for key, value in (attributes or {}).items() if value is not None)
    inner = "".join(child if isinstance(child, Html) else text(child) for child in children)
    return Html(f"<{name}{words}>" if name in _EMPTY else f"<{name}{words}>{inner}</{name}>")


def joined(*parts: str) -> Html:
    """Parts one after the other; those that are no :class:`Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


_EMPTY = frozenset({"meta", "br", "input"})
