"""What pyproject.toml cannot say: the README as PyPI shows it, and a source distribution that is always the same."""

import gzip
import os
import re
import tarfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def for_pypi(text: str, source: str | None) -> str:
    """A README without links into a checkout: below the address of the source, or only words if it has none."""

    def elsewhere(link: "re.Match[str]") -> str:
        image, words, path = link.groups()
        return f"{image}[{words}]({source}/{path})" if source else words

    return LINK.sub(elsewhere, text)


def source_address() -> str | None:
    """The ``Source`` among the URLs of the project: the folder of the checkout, as the web shows it."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    address: str | None = project.get("urls", {}).get("Source")
    return address


def same_always(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member of an archive without a trace of who made it, and when."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = epoch()
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


def epoch() -> int:
    """The time of everything in a distribution, in seconds; SOURCE_DATE_EPOCH, or that of the oldest ZIP."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))


def archive(name: str, folder: Path) -> str:
    """Pack a folder into NAME.tar.gz: the same bytes for the same files."""
    with (
        Path(f"{name}.tar.gz").open("wb") as file,
        gzip.GzipFile("", "wb", mtime=epoch(), fileobj=file) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            tar.add(path, path.relative_to(folder.parent).as_posix(), filter=same_always)
    return f"{name}.tar.gz"


if __name__ == "__main__":
    from setuptools import setup
    from setuptools.command.sdist import sdist

    class SameSdist(sdist):
        """The source distribution, packed by :func:`archive`."""

        def make_archive(
            self, base_name: Any, format: str, root_dir: Any = None, base_dir: Any = None, **_: Any
        ) -> str:
            """Pack the files of a release, which setuptools has put into a folder of its own."""
            return archive(base_name, Path(base_dir).resolve())

    readme = for_pypi((HERE / "README.md").read_text("utf-8"), source_address())
    setup(long_description=readme, long_description_content_type="text/markdown", cmdclass={"sdist": SameSdist})
