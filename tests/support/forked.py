"""``cti-es``, forked from a process that has imported it: a tenth of the time of a fresh interpreter.

As a program, ``python -I -S forked.py SOCKET cti-es WORDS...`` is ``cti-es WORDS...``: it hands its folder, its environment
and its standard streams to the process that listens on SOCKET, and ends with the exit code that comes back. So pipes
and redirections of a shell work as with the installed command. In tests it is the fixture ``forked``; whatever depends
on how a process starts is tested with the fixture ``cti_es`` instead. ``sqlite-utils`` can be run in the same way.
"""

import _socket  # the module socket takes longer to import than all else that a client does
import os
import sys

PROGRAMS = ("cti-es", "sqlite-utils")
"""What can be run so."""

STREAMS = 3
NO_ANSWER = 70
"""The exit code of a client whose process died without one."""


def ask(socket: str, words: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> int:
    """Run a command line, its program first, in the process that listens on a socket; the exit code."""
    request = [folder, str(len(words)), *words, *(f"{key}={value}" for key, value in environment.items())]
    numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in streams)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(socket)
    connection.sendmsg([b" "], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)])
    rest = os.fsencode("\0".join(request))
    while rest:
        rest = rest[connection.send(rest) :]
    connection.shutdown(_socket.SHUT_WR)
    answer = connection.recv(16)
    connection.close()
    return int(answer or NO_ANSWER)


def listen(socket: str) -> None:
    """Import the command line and fork for whoever connects, until standard input ends. Prints a line when it is ready."""
    import difflib  # noqa: F401 - what commands import when they need it
    import gc
    import json  # noqa: F401
    import select
    import signal
    from importlib import import_module

    import sqlite_utils.cli
    import sqlite_utils.migrations  # noqa: F401

    from cti_es_cli.main import COMMANDS, module_of

    for name in COMMANDS:
        import_module(module_of(name))
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.bind(socket)
    server.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that end
    gc.freeze()
    print("ready", flush=True)
    while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
        number = server._accept()[0]
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            answer(_socket.socket(fileno=number))
        os.close(number)


def answer(connection: "_socket.socket") -> None:
    """In the forked process: become the client, run, and end."""
    numbers = connection.recvmsg(1, _socket.CMSG_LEN(4 * STREAMS))[1][0][2]
    request = b""
    while part := connection.recv(1 << 16):
        request += part
    folder, count, *words = os.fsdecode(request).split("\0")
    become(folder, words[int(count) :], [int.from_bytes(numbers[at : at + 4], sys.byteorder) for at in range(0, 12, 4)])
    connection.send(str(run(words[: int(count)])).encode())
    os._exit(0)


def become(folder: str, environment: list[str], streams: list[int]) -> None:
    """Take over the folder, the environment and the standard streams of a client."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(one.split("=", 1) for one in environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0)  # noqa: SIM115 - open to the end of the process
    sys.stdout = open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace")  # noqa: SIM115


def run(words: list[str]) -> int:
    """Run a command line as a process of its own would, up to what is flushed and closed at its end."""
    import gc

    from sqlite_utils.cli import cli

    from cti_es_cli.main import main

    sys.argv = words
    code = 0
    try:
        {"cti-es": main, "sqlite-utils": cli}[words[0]](words[1:])
    except SystemExit as end:
        code = end.code or 0
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    if sys.argv[1] == "--listen":
        listen(sys.argv[2])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:], os.getcwd(), dict(os.environ), [0, 1, 2]))
