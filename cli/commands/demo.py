"""``demo``: the worked example, end to end, in a temporary store."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cti_es.testing.worked_example import EVENTS
from cti_es_cli.output import standard_output

FILE, STORE = "events.ndjson", "site.db"

STEPS = (
    ("A cluster of two nodes, a CTI port and a route point, as a log of events:", ("log", FILE)),
    ("Append them to a store, all or nothing:", ("append", STORE, "--from", FILE)),
    ("What the application should have been told:", ("replay", STORE)),
    ("Where the devices were when cm1 was back but the call on RP_SALES went on:", ("homes", STORE, "--as-of", "9")),
    ("And where they are now:", ("homes", STORE)),
)


@click.command(short_help="Run the worked example, end to end.", epilog="Example: cti-es demo")
def command() -> None:
    """Run the worked example in a temporary store, showing each command.

    A node fails with a call on a route point, comes back, and the call ends.
    """
    standard_output()
    with TemporaryDirectory(prefix="cti-es-demo-") as folder:
        (Path(folder) / FILE).write_bytes(EVENTS)
        for number, (words, arguments) in enumerate(STEPS):
            click.echo(f"{'' if number == 0 else chr(10)}{words}\n\n$ cti-es {' '.join(arguments)}")
            sys.stdout.flush()
            _run(arguments, folder)


def _run(arguments: tuple[str, ...], folder: str) -> None:
    code = subprocess.run([sys.executable, "-m", "cti_es_cli", *arguments], cwd=folder, check=False).returncode
    if code:
        click.get_current_context().exit(code)
