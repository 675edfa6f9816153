"""Put what the commands print now into the sessions of the docs: ``python tests/support/refresh_sessions.py PAGE...``.

Hand-run after a change of wording. Look at the difference before it is committed: the tests of the docs believe it.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from test_docs import is_setup, session_of, sessions


def refreshed(page: Path) -> str:
    """The text of a page with its sessions as they are now; lines that still match stay as they are."""
    lines = page.read_text("utf-8").split("\n")
    changes: list[tuple[int, int, list[str]]] = []
    with TemporaryDirectory() as folder:
        session = session_of(page, Path(folder))
        for step in (step for block in sessions(page) for step in block if not is_setup(step.command)):
            if step.is_file:
                session.write(step)
                continue
            printed = session.run(session.expanded(step.command))
            same = len(printed) == len(step.shown) and all(map(session.matches, step.shown, printed))
            if not same:
                changes.append((step.line, step.line + len(step.shown), printed))
    for start, end, printed in reversed(changes):
        lines[start:end] = printed
    return "\n".join(lines)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.resolve().write_text(refreshed(path.resolve()), "utf-8")
