"""Expected against actual: channels, handles, alignment, differences; and lint beside it (diff.md)."""
