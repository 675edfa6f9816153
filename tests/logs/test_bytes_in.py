"""Path, pipe and standard input → bytes: gzip is unpacked wherever it comes from, and bounded."""

import gzip
import os
import threading
from io import BytesIO

import pytest

from cti_es.logs.bytes_in import FREE, UnpackLimit, kept, open_bytes, unpacked
from cti_es.vocabulary.errors import InputError, TooMuchUnpacked


class Trickle:
    """A pipe that gives one byte at a time."""

    def __init__(self, data):
        self._data = BytesIO(data)

    def read1(self, size=-1, /):
        return self._data.read(1)


def whole(stream, size=-1):
    parts = []
    while data := stream.read1(size):
        parts.append(data)
    return b"".join(parts)


TEXT = b"".join(b"line %d\n" % number for number in range(50_000))


@pytest.mark.parametrize("size", [-1, 1, 7, 1 << 18])
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_size_of_reading_gives_the_same(packed, size):
    """However many bytes are asked for at a time, all come, in order."""
    assert whole(unpacked(BytesIO(packed(TEXT[:5_000])), "x"), size) == TEXT[:5_000]


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_pipe_that_gives_one_byte_at_a_time(packed):
    """Gzip is recognised although its two first bytes come one after the other."""
    assert whole(unpacked(Trickle(packed(TEXT[:900])), "x")) == TEXT[:900]


@pytest.mark.parametrize("data", [b"", b"\x1f", b"\x1f\x8a", b"a", b"\n"])
def test_what_is_no_gzip_stays_as_it_is(data):
    """The empty file, half of gzip's mark and other bytes come through untouched."""
    assert whole(unpacked(BytesIO(data), "x")) == data


@pytest.mark.parametrize("between", [b"", b"\0" * 5, b"\0" * 100_000])
def test_several_members_are_one_text(between):
    """Gzip files put together (cat a.gz b.gz), also padded with zeros as tapes do, are one text; empty ones are none."""
    parts = [gzip.compress(b"one\n"), gzip.compress(b""), gzip.compress(TEXT), gzip.compress(b"last\n")]

    assert whole(unpacked(BytesIO(between.join(parts) + between), "x")) == b"one\n" + TEXT + b"last\n"


@pytest.mark.parametrize("cut", [2, 9, 10, 30, -9, -8, -1])
def test_gzip_that_is_cut_short_says_so(cut):
    """Wherever a gzip file ends too early, after all that is there the error says so."""
    with pytest.raises(InputError, match=r"^x\.gz: broken gzip: it is cut short; expected a whole gzip file$"):
        whole(unpacked(BytesIO(gzip.compress(TEXT)[:cut]), "x.gz"))


def test_a_second_member_that_is_cut_short_says_so():
    """A member that is missing its end is noticed behind whole ones, too."""
    data = gzip.compress(b"one\n") + gzip.compress(TEXT)[:-20]
    with pytest.raises(InputError, match="cut short"):
        whole(unpacked(BytesIO(data), "x.gz"))


@pytest.mark.parametrize("at", [3, 40, -6, -2])
def test_flipped_bytes_are_noticed(at):
    """Damage in the header, in the content, in the check sum and in the length is an error, not another text."""
    data = bytearray(gzip.compress(TEXT))
    data[at] ^= 0xFF
    with pytest.raises(InputError, match="broken gzip"):
        whole(unpacked(BytesIO(bytes(data)), "x.gz"))


def test_other_bytes_behind_gzip_are_an_error():
    """What follows a member is another one, or padding; a text there would be lost."""
    with pytest.raises(InputError, match="broken gzip: incorrect header check"):
        whole(unpacked(BytesIO(gzip.compress(b"one\n") + b"two\n"), "x.gz"))


def test_a_bomb_is_refused_soon():
    """A packed file whose bytes become a thousand each is refused when the free bytes have come out."""
    bomb = gzip.compress(bytes(FREE * 4))
    stream = unpacked(BytesIO(bomb), "bomb.gz")
    came = []
    with pytest.raises(TooMuchUnpacked, match=r"^bomb\.gz: more than 100 bytes come out of each byte"):
        came.extend(map(len, iter(lambda: stream.read1(1 << 18), b"")))

    assert sum(came) == FREE


def test_many_members_are_one_file_to_the_limit():
    """A bomb cut into members of a megabyte is a bomb."""
    bomb = gzip.compress(bytes(1 << 20)) * (2 * FREE >> 20)
    with pytest.raises(TooMuchUnpacked):
        whole(unpacked(BytesIO(bomb), "bomb.gz"))


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        (UnpackLimit(len(TEXT), None), True),
        (UnpackLimit(len(TEXT) - 1, None), False),
        (UnpackLimit(None, 1), True),
        (UnpackLimit(), True),
    ],
)
def test_the_limit_is_what_may_come_out(limit, fits):
    """A size is a bound to the byte; the ratio counts only beyond the bytes that are free."""
    stream = unpacked(BytesIO(gzip.compress(TEXT)), "x.gz", limit)
    if fits:
        assert whole(stream) == TEXT
    else:
        with pytest.raises(TooMuchUnpacked, match=f"more than {len(TEXT) - 1:,} bytes"):
            whole(stream)


def test_no_limit_is_no_limit():
    """What is allowed to be large comes out whole."""
    assert len(whole(unpacked(BytesIO(gzip.compress(bytes(FREE + 1))), "x.gz", UnpackLimit(None, None)))) == FREE + 1


def test_a_path_called_minus_is_a_file(tmp_path, monkeypatch):
    """The text - is standard input; a Path of that name (./-) is a file."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "-"
    path.write_bytes(gzip.compress(b"here\n"))
    with open_bytes(path.relative_to(tmp_path)) as stream:
        assert whole(stream) == b"here\n"


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_named_pipe_is_kept_to_be_read_again(tmp_path, packed):
    """What comes once can be opened as often as one likes, unpacked each time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(packed(TEXT),))
    writing.start()
    with kept(str(pipe)) as open_:
        for _ in range(3):
            with open_() as stream:
                assert whole(stream) == TEXT
    writing.join()
