"""Numbers in sentences."""


def counted(number: int, what: str) -> str:
    """``1 message``, ``2,000 messages``: a number with what it counts, whose plural takes an s."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def verb(number: int, plural: str) -> str:
    """What so many do: one ``differs``, others ``differ``."""
    return f"{plural}s" if number == 1 else plural
