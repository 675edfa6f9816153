"""Expected against actual: channels, handles, alignment, differences; and lint beside it.

Specified in docs/reference/comparison.md.
"""
