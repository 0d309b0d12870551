"""Reads Dockerfiles and .dockerignore: what docker/ uses of them, and an error for the rest."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shlex
from typing import Dict, List, Optional, Union

KEYWORDS = {
    "FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "LABEL", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK",
    "ENTRYPOINT", "CMD",
}


@dataclasses.dataclass
class Instruction:
    keyword: str
    text: str
    line: int

    def exec_form(self) -> Optional[List[str]]:
        """The words of ["a", "b"]; None for a shell's line."""
        return json.loads(self.text) if self.text.startswith("[") else None


@dataclasses.dataclass
class Copy:
    stage: Optional[str]  # None: from the context
    sources: List[str]
    target: str


@dataclasses.dataclass
class Stage:
    name: str
    base: str
    instructions: List[Instruction]

    def all(self, keyword: str) -> List[Instruction]:
        return [i for i in self.instructions if i.keyword == keyword]


def parse(text: str) -> List[Stage]:
    stages: List[Stage] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(#|$)", line):
            continue
        start = start if pending else number
        pending += line.rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        keyword, _, rest = pending.strip().partition(" ")
        instruction = Instruction(keyword.upper(), re.sub(r"\s+", " ", rest.strip()), start)
        pending = ""
        if instruction.keyword not in KEYWORDS or "<<" in instruction.text:
            raise ValueError(f"line {start}: {line.strip()!r} is not known here")
        if instruction.keyword == "FROM":
            match = re.fullmatch(r"(\S+) AS (\w+)", instruction.text)
            if not match:
                raise ValueError(f"line {start}: FROM without a name: {instruction.text}")
            stages.append(Stage(match[2], match[1], []))
        elif not stages:
            raise ValueError(f"line {start}: {instruction.keyword} before FROM")
        else:
            stages[-1].instructions.append(instruction)
    if pending:
        raise ValueError(f"line {start}: ends within an instruction")
    return stages


def lineage(stages: List[Stage], name: str) -> List[Stage]:
    """The stage and those it is made from, the base first."""
    by_name = {stage.name: stage for stage in stages}
    found = [by_name[name]]
    while found[0].base in by_name:
        found.insert(0, by_name[found[0].base])
    return found


def last(stages: List[Stage], keyword: str) -> Optional[Instruction]:
    """The instruction that counts when a later one replaces those before it."""
    found = [i for stage in stages for i in stage.all(keyword)]
    return found[-1] if found else None


def copy_of(instruction: Instruction) -> Copy:
    words = shlex.split(instruction.text)
    stage = None
    while words[0].startswith("--"):
        flag = words.pop(0)
        if not flag.startswith("--from="):
            raise ValueError(f"line {instruction.line}: COPY {flag} is not known here")
        stage = flag.removeprefix("--from=")
    if len(words) < 2:
        raise ValueError(f"line {instruction.line}: COPY needs a source and a target")
    return Copy(stage, words[:-1], words[-1])


def pairs_of(instruction: Instruction) -> Dict[str, str]:
    """Of ENV and LABEL."""
    return dict(word.split("=", 1) for word in shlex.split(instruction.text))


def health_command(instruction: Instruction) -> List[str]:
    match = re.fullmatch(r"(?:--\S+ )*CMD (\[.*\])", instruction.text)
    if not match:
        raise ValueError(f"line {instruction.line}: HEALTHCHECK needs a CMD in the form of a list")
    return json.loads(match[1])


class Ignore:
    """The patterns of a .dockerignore; the last that fits a path, or a folder above it, decides."""

    def __init__(self, text: str):
        self._rules = []
        for line in text.splitlines():
            pattern = line.strip()
            if not pattern or pattern.startswith("#"):
                continue
            keep = pattern.startswith("!")
            self._rules.append((self._regex(pattern.lstrip("!").strip("/")), not keep))

    @staticmethod
    def _regex(pattern: str) -> "re.Pattern[str]":
        out = ""
        for part in re.split(r"(\*\*/?|\*|\?)", pattern):
            out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
        return re.compile(out + r"(?:/.*)?")

    def __call__(self, path: Union[str, pathlib.PurePath]) -> bool:
        ignored = False
        for regex, verdict in self._rules:
            if regex.fullmatch(str(path)):
                ignored = verdict
        return ignored
