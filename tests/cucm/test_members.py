"""Folders, archives and patterns: which files they stand for, and what bounds them."""

import gzip
import io
import tarfile
import zipfile

import pytest

from cti_es.cucm.members import files_of
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit
from cti_es.vocabulary.errors import InputError, TooMuchUnpacked

FILES = {"b/cm1.log": b"one\n", "a.log": b"two\n", "c.log.gz": gzip.compress(b"three\n")}
CONTENTS = {"b/cm1.log": b"one\n", "a.log": b"two\n", "c.log.gz": b"three\n"}


def read(*names, limit=UNPACK_LIMIT):
    """The files that names stand for, with what is in them."""
    found = {}
    for file in files_of(names, "logs", limit):
        with file.open() as stream:
            parts = [stream.read1(3)]
            while more := stream.read1(1 << 16):
                parts.append(more)
        assert file.name not in found
        found[file.name] = b"".join(parts)
    return found


def zipped(path, files, **options):
    """A zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data, **options)


def tarred(path, files, mode="w"):
    """A tar archive, with a folder and a link."""
    with tarfile.open(path, mode) as archive:
        folder, link = tarfile.TarInfo("b"), tarfile.TarInfo("link.log")
        folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(folder)
        archive.addfile(link)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The tests work in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder(here):
    """All files in it and below, in the order of their names; an archive in it by its members."""
    (here / "logs" / "b").mkdir(parents=True)
    for name, data in FILES.items():
        (here / "logs" / name).write_bytes(data)
    zipped(here / "logs" / "d.zip", {"x.log": b"four\n"})

    assert read("logs") == {**{f"logs/{name}": data for name, data in CONTENTS.items()}, "logs/d.zip/x.log": b"four\n"}


@pytest.mark.parametrize(("name", "mode"), [("x.zip", ""), ("x.tar", "w"), ("x.tar.gz", "w:gz"), ("whatever", "w:gz")])
def test_an_archive(name, mode):
    """Its members, packed ones unpacked, whatever the archive is called; links and folders are none."""
    if mode:
        tarred(name, FILES, mode)
    else:
        zipped(name, FILES)

    assert read(name) == {f"{name}/{member}": data for member, data in CONTENTS.items()}


def test_a_pattern(here):
    """A pattern that no shell has expanded is expanded; a file of that name comes first; a name twice counts once."""
    for name in ("cdr_2", "cdr_1", "cmr_1"):
        (here / name).write_bytes(name.encode())

    assert list(read("cdr_*", "cdr_1")) == ["cdr_1", "cdr_2"]
    (here / "cdr_*").write_bytes(b"x")
    assert list(read("cdr_*")) == ["cdr_*"]
    with pytest.raises(InputError, match=r"x_\?: no file matches this pattern"):
        read("x_?")
    with pytest.raises(InputError, match=r"cdr_3: no such file; expected logs; did you mean"):
        read("cdr_3")


@pytest.mark.parametrize("cut", [40, 200, -30])
def test_archives_that_are_broken(cut):
    """An archive that is cut short, or damaged inside, is refused with its name."""
    zipped("x.zip", {"a.log": bytes(range(256)) * 40})
    tarred("x.tar", {"a.log": b"x" * 5_000})
    tarred("x.tar.gz", {"a.log": bytes(range(256)) * 40}, "w:gz")
    for name in ("x.zip", "x.tar", "x.tar.gz"):
        with open(name, "rb") as file:
            data = file.read()
        with open(name, "wb") as file:
            file.write(data[:cut] if name != "x.tar" else data[: 2_000 + cut])
        with pytest.raises(InputError, match=rf"{name}[^ ]*: broken"):
            read(name)


def test_a_member_that_is_damaged_or_encrypted():
    """What the archive says of a member is checked, and what nobody can read is said."""
    zipped("x.zip", {"a.log": b"hello " * 99})
    with open("x.zip", "r+b") as file:
        file.seek(45)
        file.write(b"\xff\xff\xff")
    with pytest.raises(InputError, match=r"x.zip: broken archive"):
        read("x.zip")
    zipped("y.zip", {"a.log": b"hello"})
    with open("y.zip", "rb") as file:
        data = bytearray(file.read())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    with open("y.zip", "wb") as file:
        file.write(data)
    with pytest.raises(InputError, match=r"y.zip: broken archive: .*encrypted"):
        read("y.zip")


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar"])
def test_what_comes_out_is_bounded(name, monkeypatch):
    """Bytes in all, bytes for each packed one, and members: a clear refusal, which a greater limit lifts."""
    files = {f"{number}.log": b"\n" * 9_000_000 for number in range(3)}
    if name == "x.zip":
        zipped(name, files)
    else:
        tarred(name, files, "w:gz" if name == "x.tar.gz" else "w")

    with pytest.raises(TooMuchUnpacked, match=name):
        read(name, limit=UnpackLimit(20_000_000))
    if name != "x.tar":
        with pytest.raises(TooMuchUnpacked, match=name):
            read(name)
    assert len(read(name, limit=UnpackLimit(None, None))) == 3
    monkeypatch.setattr("cti_es.cucm.members.MOST_MEMBERS", 2)
    with pytest.raises(InputError, match=rf"{name}: more than 2 members"):
        read(name)


def test_a_header_that_is_too_large():
    """A tar archive cannot make the reader hold what it likes."""
    with tarfile.open("x.tar", "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 3_000_000}) as archive:
        archive.addfile(tarfile.TarInfo("a.log"))
    with pytest.raises(InputError, match="a header over 1 MiB"):
        read("x.tar")


def test_names_in_archives_never_steer_a_terminal():
    """What a member is called is shown with its control characters escaped."""
    tarred("x.tar", {"a\x1b[31m.log": b"x"})

    assert list(read("x.tar")) == ["x.tar/a\\x1b[31m.log"]
