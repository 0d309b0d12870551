"""Runs what the documentation says.

A fenced block that begins with ```console test holds a session in a shell: a line with `$ ` is a command (continued by a
backslash at its end), the lines after it are what it prints, where `...` stands for any text, also over several lines, and a
line of `...` alone for any lines or none. All blocks of a file share one folder and one environment, from the first to the
last; every command must succeed.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess
from typing import Dict, List

_BLOCK = re.compile(r"^```console test\n(.*?)^```$", re.M | re.S)
_END = "@@end-of-command@@"


@dataclasses.dataclass
class Command:
    text: str
    expected: str
    line: int


def commands_of(markdown: str) -> List[Command]:
    commands: List[Command] = []
    for block in _BLOCK.finditer(markdown):
        first_line = markdown.count("\n", 0, block.start(1)) + 1
        continued = False
        first = len(commands)
        for offset, line in enumerate(block.group(1).splitlines()):
            if continued:
                commands[-1].text += "\n" + line
            elif line.startswith("$ "):
                commands.append(Command(line[2:], "", first_line + offset))
            elif len(commands) == first:
                raise ValueError(f"line {first_line + offset}: output before the first command")
            else:
                commands[-1].expected += line + "\n"
                continue
            continued = line.endswith("\\")
    return commands


def fits(expected: str, printed: str) -> bool:
    pattern = ""
    for line in expected.strip().splitlines():
        if line == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    text = printed.strip()
    return re.fullmatch(pattern, text + "\n" if text else "", re.S) is not None


def run_document(path: pathlib.Path, folder: pathlib.Path, environment: Dict[str, str]) -> int:
    """Runs the file's commands; returns how many there were."""
    commands = commands_of(path.read_text())
    script = "".join(
        f"{command.text}\n__code=$?\nprintf '\\n{_END} %s\\n' $__code\n[ $__code -eq 0 ] || exit 1\n"
        for command in commands
    )
    shell = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    outputs = re.split(rf"\n{_END} (\d+)\n", shell.stdout)
    for command, printed, code in zip(commands, outputs[0::2], outputs[1::2]):
        where = f"{path.name}:{command.line}: {command.text}\n"
        assert code == "0", f"{where}failed with {code}:\n{printed}"
        assert fits(command.expected, printed), f"{where}printed:\n{printed}\nnot:\n{command.expected}"
    assert len(outputs) == 2 * len(commands) + 1, f"{path.name}: the shell ended early:\n{shell.stdout}"
    return len(commands)
