"""Gzip in place of a text file: every command that reads one takes it, and says what is wrong with it."""

import gzip

import pytest

READERS = {
    "log": ("log", "FILE"),
    "replay": ("replay", "FILE"),
    "homes": ("homes", "FILE"),
    "providers": ("providers", "FILE"),
    "export": ("export", "FILE"),
    "explain": ("explain", "FILE", "--device", "CTIP_IVR_01"),
    "lint": ("lint", "FILE"),
    "diff": ("diff", "FILE", "FILE"),
    "append": ("append", "new.db#lab", "--from", "FILE", "--dry-run"),
    "import": ("import", "new.db", "FILE"),
}
"""Every command that reads a log in text, with FILE in place of it."""

BESIDE = {
    "nodes": ("import", "new.db", "--nodes", "FILE", "log.txt"),
    "with": ("import", "new.db", "--with", "FILE", "log.txt"),
    "heads": ("verify", "new.db", "--heads", "FILE"),
    "handles": ("diff", "new.db", "new.db", "--handles", "FILE"),
}
"""The options that name another file of text."""

BLANK = (b" " * 1023 + b"\n") * (20 << 10)


def given(words, file):
    """A command line of the table, with this file."""
    return [file if word == "FILE" else word for word in words]


def to_a_file(words):
    """For what prints while it reads: into a file, which is whole or not there."""
    return ("-o", "out") if words[0] in ("log", "replay", "export") else ()


@pytest.mark.parametrize("words", [words for name, words in READERS.items() if name != "import"], ids=str)
def test_what_is_packed_is_read_as_if_it_were_not(quick, write, example, words):
    """The same file packed gives the same, from a file of any name and from standard input."""
    plain, packed = write(example, "e.ndjson"), write(gzip.compress(example), "packed")
    expected = quick(*given(words, plain))
    assert expected.returncode == 0, expected.stderr

    found = quick(*given(words, packed))
    assert (found.returncode, found.stdout) == (0, expected.stdout.replace(b"e.ndjson", b"packed"))
    if words.count("FILE") == 1:
        piped = quick(*given(words, "-"), input=gzip.compress(example))
        assert (piped.returncode, piped.stdout) == (0, expected.stdout.replace(b"e.ndjson", b"<stdin>"))


@pytest.mark.parametrize("words", READERS.values(), ids=str)
def test_a_bomb_is_refused_everywhere(quick, write, refused, example, site, words):
    """A small file out of which a very large text comes is refused by every command, with the way out."""
    (site.parent / "new.db").write_bytes(site.read_bytes())
    start = b"" if words[0] == "import" else example
    file = write(gzip.compress(start + BLANK), "bomb.gz")

    said = "bomb.gz: more than 100 bytes come out of each byte"
    refused(quick(*given(words, file), *to_a_file(words)), said, "--unpack-limit SIZE")
    assert not (site.parent / "out").exists()


@pytest.mark.parametrize("words", BESIDE.values(), ids=str)
def test_a_bomb_beside_the_log(quick, write, refused, site, words):
    """The same of every file that an option names."""
    (site.parent / "new.db").write_bytes(site.read_bytes())
    write("Mar  2 09:44:03 cm1 local7 3 : 1: %UC_CALLMANAGER-3-Nothing: x\n", "log.txt")
    file = write(gzip.compress(BLANK), "bomb.gz")

    said = "bomb.gz: more than 100 bytes come out of each byte"
    refused(quick(*given(words, file)), said, "--unpack-limit SIZE")


@pytest.mark.parametrize("words", READERS.values(), ids=str)
def test_what_is_cut_short_is_said_so_everywhere(quick, write, refused, example, site, words):
    """A packed file that ends too early is an error that says so, whatever could be read of it."""
    (site.parent / "new.db").write_bytes(site.read_bytes())
    file = write(gzip.compress(example + BLANK[: 1 << 20])[:-9], "cut.gz")

    refused(quick(*given(words, file), *to_a_file(words)), "cut.gz")
    assert not (site.parent / "out").exists()


@pytest.mark.parametrize(("limit", "fits"), [("none", True), ("1M", True), ("2K", True), ("200", False), ("0", False)])
def test_the_option_sets_the_limit(quick, write, example, limit, fits):
    """--unpack-limit is what may come out; none is no bound."""
    file = write(gzip.compress(example), "packed")
    assert len(example) > 200
    assert quick("log", file, "--unpack-limit", limit).returncode == (0 if fits else 2)


@pytest.mark.parametrize("limit", ["", "-1", "1.5G", "G", "1GG", "1g", "all", "²", "9" * 99])
def test_a_limit_that_is_none_is_refused(quick, refused, log_file, limit):
    """Anything else than a size or none is a usage error with an example."""
    refused(quick("log", log_file, "--unpack-limit", limit), "expected for example 20G")


def test_a_packed_handles_file_is_read(quick, write, example):
    """--handles may be packed, too."""
    log = write(example, "e.ndjson")
    handles = write(gzip.compress(b"handle,app,device,line\n"), "handles.csv")

    assert quick("diff", log, log, "--handles", handles).returncode == 0


def test_a_store_in_gzip_is_named(quick, write, refused, site):
    """A store that is packed has to be unpacked first: it is read in places, not from its start to its end."""
    file = write(gzip.compress(site.read_bytes()), "site.db.gz")

    refused(quick("log", file), "site.db.gz: a store inside a gzip file", "gzip -d")


def test_follow_ends_where_a_packed_file_ends(quick, write, example):
    """A packed file does not grow: --follow reads it as it stands."""
    file = write(gzip.compress(example), "packed")

    assert quick("log", file, "--follow").stdout.count(b"\n") == 1 + example.count(b"\n")
