"""The recorded logs and their digests: ``python tests/support/recording.py`` prints what this version gives, as JSON.

``--add`` writes the digests of a new fold version into tests/recorded/digests.json, beside the old ones, which it
never changes. tests/recorded/README.md says when that is right. This needs the library alone, no test tools, so that
any Python can run it.
"""

import json
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from cti_es.logs.ndjson import read_events
from cti_es.model.homes import homes
from cti_es.model.providers import providers
from cti_es.model.replay import FOLD_VERSION, Replay, digest

FOLDER = Path(__file__).parent.parent / "recorded"
LOGS = sorted(FOLDER.glob("*.ndjson"))
DIGESTS = FOLDER / "digests.json"

Digests = dict[str, str]


def digests(log: Path) -> Digests:
    """The digests of a log and of everything that the fold makes of it."""
    text = log.read_bytes().replace(b"\r\n", b"\n")
    replay = Replay()
    messages = [one for lines in read_events(BytesIO(text), log.name) for one in replay.messages(lines.events)]
    return {
        "log": sha256(text).hexdigest(),
        "messages": digest(messages),
        "misfits": digest(replay.misfits),
        "homes": digest(homes(replay.cluster)),
        "providers": digest(providers(replay.book)),
        "state": sha256(replay.encoded()).hexdigest(),
    }


def all_digests() -> dict[str, Digests]:
    """The digests of every recorded log."""
    return {log.stem: digests(log) for log in LOGS}


def recorded() -> dict[str, dict[str, Digests]]:
    """Fold version → log → digests, as they were recorded."""
    found: dict[str, dict[str, Digests]] = json.loads(DIGESTS.read_text("utf-8"))
    return found


def main() -> None:
    """Print the digests, or add those of a new fold version (or of a new log)."""
    if sys.argv[1:] != ["--add"]:
        print(json.dumps(all_digests()))
        return
    known = recorded() if DIGESTS.exists() else {}
    new = all_digests() | known.get(str(FOLD_VERSION), {})
    DIGESTS.write_text(json.dumps(known | {str(FOLD_VERSION): new}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
