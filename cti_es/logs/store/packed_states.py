"""The states of snapshots as stores keep them: compressed."""

import zlib
from typing import Any, TypeVar

from cti_es.logs.store.base import IngestState, Snapshot

Kept = TypeVar("Kept", Snapshot, IngestState)

LARGEST_STATE = 1 << 28
"""A snapshot whose unpacked state has more bytes is neither kept nor used: a forged one could unpack to any size."""

MOST_FOR_A_BYTE = 100
"""Nor is one of which more bytes than so many come out of each that is kept. States pack about ten times."""


def packed(state: bytes) -> bytes | None:
    """A state as it is kept; None for one that is too large."""
    if len(state) > LARGEST_STATE:
        return None
    kept = zlib.compress(state, 1)
    return kept if len(state) <= MOST_FOR_A_BYTE * len(kept) else None


def unpacked(kept: bytes) -> bytes:
    """A state that was kept, or nothing where there is none: then the digest is wrong, and it is not used."""
    unpacking = zlib.decompressobj()
    try:
        state = unpacking.decompress(kept, min(LARGEST_STATE, MOST_FOR_A_BYTE * len(kept)) + 1)
    except zlib.error:
        return b""
    return state if unpacking.eof else b""


def as_kept(kind: type[Kept], row: tuple[Any, ...]) -> tuple[Kept, str]:
    """What a row of a store has (its state packed, and then the digest) as what was kept, and the digest."""
    *fields, state, digest = row
    return kind._make([*fields, unpacked(state)]), digest
