"""The file of -o: whole or not there, as private as what it replaces, and errors that name the file that was asked for."""

import os
import stat
import subprocess
import sys

import pytest

from cti_es_cli import out_file

NOBODY = 65534
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be two users")
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full for a full disk")


@pytest.fixture
def old(tmp_path):
    """A private file that is to be replaced."""
    path = tmp_path / "out.txt"
    path.write_text("secret")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o444 | 0o200])
def test_a_draft_is_never_more_open_than_what_it_replaces(mode, old):
    """From its first byte on, the hidden file has the permissions of the file that it will become."""
    old.chmod(mode)
    with out_file.drafted(old, "out.txt") as stream:
        (draft,) = (one for one in old.parent.iterdir() if one != old)
        seen = stat.S_IMODE(draft.stat().st_mode)
        stream.write(b"new")

    assert seen == mode
    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", mode)


@as_root
def test_owner_and_group_stay(old, quick, site):
    """Who may change a file's owner keeps it."""
    os.chown(old, 1234, 4321)
    quick("logs", "site.db", "-o", "out.txt")

    assert (old.stat().st_uid, old.stat().st_gid) == (1234, 4321)


def test_another_group_gets_nothing(old, monkeypatch):
    """Where the group cannot be kept, the group that the new file has may do nothing."""
    old.chmod(0o660)

    def refuse(path, user, group):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with out_file.drafted(old, "out.txt") as stream:
        stream.write(b"new")

    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_an_error_leaves_the_old_file(old):
    """When the work fails, the file is as it was and no draft is left."""
    with pytest.raises(ZeroDivisionError), out_file.drafted(old, "out.txt") as stream:
        stream.write(b"%d" % (1 / 0))

    assert [(one.name, one.read_text()) for one in old.parent.iterdir()] == [("out.txt", "secret")]


def test_links_are_written_through(old, quick, site, tmp_path):
    """A link stays a link; what it points at is replaced, also when it was not there. Hard links keep the old text."""
    (tmp_path / "link").symlink_to("out.txt")
    (tmp_path / "dangling").symlink_to("made.txt")
    os.link(old, tmp_path / "hard")
    codes = [quick("logs", "site.db", "-o", name).returncode for name in ("link", "dangling")]

    assert codes == [0, 0]
    assert [(tmp_path / name).is_symlink() for name in ("link", "dangling")] == [True, True]
    assert old.read_text().startswith("LOG ")
    assert (tmp_path / "made.txt").read_text() == old.read_text()
    assert (tmp_path / "hard").read_text() == "secret"


@as_root
def test_foreign_links_in_sticky_folders(quick, refused, site, tmp_path):
    """In a folder such as /tmp a link of somebody else is a trap: it is not followed."""
    shared = tmp_path / "common"
    shared.mkdir()
    os.chown(shared, 1234, -1)
    shared.chmod(0o1777)
    (tmp_path / "precious").write_text("mine")
    (shared / "out").symlink_to(tmp_path / "precious")
    os.chown(shared / "out", NOBODY, NOBODY, follow_symlinks=False)

    refused(quick("logs", "site.db", "-o", "common/out"), "common/out")
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "a/b/c", "loop", "x" * 300])
def test_names_that_are_no_files(name, quick, refused, site, tmp_path):
    """An empty name, a folder that is not there, a loop of links and a name that is too long are told by that name."""
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())

    refused(quick("logs", "site.db", "-o", name), name or "empty name")
    assert sorted(tmp_path.iterdir()) == before


def test_what_must_not_be_written(old, cti_es, refused, site, obeying):
    """A file that is read-only stays as it is, and so does a folder."""
    old.chmod(0o400)

    refused(cti_es("logs", "site.db", "-o", "out.txt", **obeying), "out.txt", "permission")
    assert old.read_text() == "secret"


@needs_full
def test_a_full_device_is_named(quick, refused, site):
    """The error names what was given to -o, not standard output."""
    text = refused(quick("export", "site.db", "-o", "/dev/full"), "/dev/full", "space")

    assert "standard output" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of processes")
def test_a_full_disk_is_told_by_the_name_that_was_asked_for(cti_es, refused, site, big_file, tmp_path):
    """No room for the file: the error has its name, not that of the hidden draft, and nothing is left."""
    import resource
    import signal

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    text = refused(cti_es("export", big_file, "-o", "out.txt", preexec_fn=little_room), "out.txt: file too large")

    assert ".new" not in text
    assert [one.name for one in tmp_path.iterdir()] == ["site.db"]


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="there is no /dev/stdout")
@pytest.mark.parametrize("target", ["pipe", "file"])
def test_standard_output_by_name(target, cti_es, site, tmp_path):
    """-o /dev/stdout is standard output, whatever that is."""
    if target == "pipe":
        assert cti_es("logs", "site.db", "-o", "/dev/stdout").stdout.startswith(b"LOG ")
        return
    with (tmp_path / "out.txt").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        cti_es("logs", "site.db", "-o", "/dev/stdout", stdout=file, stderr=subprocess.PIPE, capture_output=False)

    assert (tmp_path / "out.txt").read_bytes().startswith(b"before\nLOG ")
