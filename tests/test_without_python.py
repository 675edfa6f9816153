"""docs/how-to/without-python.md: its C++ and C# are compiled and run, its recipes for CI do what they say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import FIXTURES, ROOT
from test_docs import DOCS, blocks

from cti_es_cli.main import main

PAGE = DOCS / "how-to" / "without-python.md"
STUB = ROOT / "tests" / "support" / "tapi_stub"
LOG = FIXTURES / "01-worked-example" / "log.ndjson"

CALLBACKS = """
#include <fstream>
extern void CALLBACK on_line(DWORD, DWORD, DWORD_PTR, DWORD_PTR, DWORD_PTR, DWORD_PTR);
extern void CALLBACK on_phone(DWORD, DWORD, DWORD_PTR, DWORD_PTR, DWORD_PTR, DWORD_PTR);
int main() {
    std::ifstream messages("messages.txt");
    DWORD device, id;
    DWORD_PTR one, two, three;
    while (messages >> device >> id >> one >> two >> three) (id > 14 ? on_phone : on_line)(device, id, 0, one, two, three);
}
"""
"""What TAPI does with callbacks."""

MAIN = """
using System;
using System.IO;

public static class Program
{
    public static void Main()
    {
        int count = 0;
        using (var trace = new CtiTrace("received.log"))
        {
            TapiCallback callback = trace.Before((device, message, instance, one, two, three) => count++);
            foreach (string line in File.ReadAllLines("messages.txt"))
            {
                ulong[] all = Array.ConvertAll(line.Split(' '), ulong.Parse);
                callback((uint)all[0], (uint)all[1], UIntPtr.Zero, new UIntPtr(all[2]), new UIntPtr(all[3]), new UIntPtr(all[4]));
            }
        }
        Console.Write(count);
    }
}
"""
"""An application in C# that counts its messages."""


def files(folder: Path, language: str) -> list[str]:
    """Write the files of the page in a language; their names."""
    named = [(block.lines[0].removeprefix("// "), block.lines) for block in blocks(PAGE) if block.language == language]
    for name, lines in named:
        (folder / name).write_text("\n".join(lines) + "\n")
    return [name for name, _ in named]


@pytest.fixture
def messages(tmp_path):
    """What the worked example sends, with a message that is none of availability in between; the lines of the trace."""
    lines = play().splitlines()
    numbers = [[int(one, 16) for one in re.findall(r"=([0-9A-F]+)", line)] for line in lines]
    rows = [" ".join(map(str, [device, id_, *params])) for device, id_, _, *params in numbers]
    (tmp_path / "messages.txt").write_text("\n".join([rows[0], "65552 2 1 0 0", *rows[1:]]) + "\n")
    return lines


def play() -> str:
    """The worked example, a line each message."""
    return CliRunner().invoke(main, ["play", str(LOG), "--speed", "max", "--format", "one-line"]).stdout


def run(*command: str, folder: Path) -> str:
    """Run a program that must end well; what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compiler(*names: str) -> str:
    """The first compiler that is there."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or pytest.skip(f"no {names[0]} on this machine")


def conforms(folder: Path, lines: list[str]) -> bool:
    """Whether received.log is those lines, and just what the log causes."""
    assert (folder / "received.log").read_text().splitlines() == lines
    return CliRunner().invoke(main, ["diff", str(LOG), str(folder / "received.log")]).exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("program", ["loop.cpp", "callback.cpp"])
def test_the_cpp_writes_a_trace_that_diff_reads(program, messages, tmp_path):
    """Compiled with all warnings and a stub of TAPI, the two programs write what came, and nothing else."""
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{STUB}", f"-I{tmp_path}"]
    files(tmp_path, "cpp")
    (tmp_path / "callbacks.cpp").write_text(f"#include <tapi.h>\n{CALLBACKS}")
    rest = [str(STUB / "tapi.cpp")] if program == "loop.cpp" else ["callbacks.cpp"]
    run(compiler("g++", "c++", "clang++"), *strict, program, *rest, "-o", "program", folder=tmp_path)
    run("./program", folder=tmp_path)

    assert conforms(tmp_path, messages)


@pytest.mark.slow
def test_the_cpp_compiles_with_the_real_header(tmp_path):
    """windows.h and tapi.h of mingw-w64 have all that the page uses, with these types."""
    for program in files(tmp_path, "cpp"):
        if program.endswith(".cpp"):
            mingw = compiler("x86_64-w64-mingw32-g++", "x86_64-w64-mingw32-g++-posix")
            run(mingw, "-std=c++11", "-Wall", "-Wextra", "-Werror", program, "-c", "-o", "program.o", folder=tmp_path)


@pytest.mark.slow
def test_the_csharp_writes_a_trace_that_diff_reads(messages, tmp_path):
    """Compiled with all warnings, the class writes what came and hands every message on."""
    (source,) = files(tmp_path, "csharp")
    (tmp_path / "Program.cs").write_text(MAIN)
    run(compiler("mcs"), "-warnaserror", "-warn:4", source, "Program.cs", "-out:program.exe", folder=tmp_path)
    counted = run("mono", "program.exe", folder=tmp_path)

    assert int(counted) == len(messages) + 1
    assert conforms(tmp_path, messages)


def recipes() -> list[str]:
    """The command of each recipe for CI."""
    text = [line for block in blocks(PAGE) if block.language in ("groovy", "yaml") for line in block.lines]
    return [found[0] for line in text if (found := re.search(r"cti-es diff [^']*", line))]


@pytest.mark.parametrize("left_out", [0, 1])
def test_the_recipes_fail_a_build_with_a_report(left_out, tmp_path, monkeypatch):
    """The same command in each: 0 and a report if the trace conforms, 1 and a report if a message is missing."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(LOG, "expected.ndjson")
    Path("received.log").write_text("".join(play().splitlines(keepends=True)[left_out:]))
    (command,) = set(recipes())
    done = CliRunner().invoke(main, command.split()[1:])

    assert len(recipes()) == 3
    assert done.exit_code == left_out
    assert f'failures="{left_out}"' in Path("cti.xml").read_text()
