"""The states of snapshots as stores keep them: compressed."""

import zlib

LARGEST_STATE = 1 << 28
"""A snapshot whose unpacked state has more bytes is neither kept nor used: a forged one could unpack to any size."""


def packed(state: bytes) -> bytes | None:
    """A state as it is kept; None for one that is too large."""
    return zlib.compress(state, 1) if len(state) <= LARGEST_STATE else None


def unpacked(kept: bytes) -> bytes:
    """A state that was kept, or nothing where there is none: then the digest is wrong, and it is not used."""
    unpacking = zlib.decompressobj()
    try:
        state = unpacking.decompress(kept, LARGEST_STATE + 1)
    except zlib.error:
        return b""
    return state if unpacking.eof else b""
