#!/usr/bin/env python3
"""Checks every file of a build with clang: our warnings and -Wthread-safety, all as errors.

usage: thread_safety.py <build folder> [path prefix]

A file that passed is not checked again until it, a header of ours that it includes, its command or a
proto changes.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE_ROOTS = [ROOT, ROOT / "clients/cpp/include"]
CLANG = os.environ.get("LATCHWIRE_CLANG", "clang++-16")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
FLAGS = ["-fsyntax-only", "-Wthread-safety", "-Werror", "-Wno-unknown-warning-option",
         "-Wno-deprecated-declarations"]


def reachable(path, seen):
    """Adds `path` and every file of ours that it includes to `seen`."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for name in INCLUDE.findall(path.read_text()):
        for root in INCLUDE_ROOTS:
            reachable(root / name, seen)


def key_of(source, command):
    files = set()
    reachable(source, files)
    digest = hashlib.sha256(" ".join(command).encode())
    for file in sorted(files) + sorted((ROOT / "protos").rglob("*.proto")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def clang_command(entry):
    words = shlex.split(entry["command"])
    start = next(i for i, word in enumerate(words) if word.startswith("-"))
    kept, skip = [], False
    for word in words[start:]:
        if skip or word in ("-c", "-o"):
            skip = word == "-o"
        else:
            kept.append(word)
    return [CLANG, *kept, *FLAGS]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    prefix = ROOT / sys.argv[2] if len(sys.argv) > 2 else ROOT
    commands = json.loads((build / "compile_commands.json").read_text())
    passed_file = build / "thread_safety.passed"
    passed = set(passed_file.read_text().split()) if passed_file.exists() else set()

    work = []
    for entry in commands:
        source = pathlib.Path(entry["file"])
        if build in source.parents or not source.is_relative_to(prefix):
            continue
        command = clang_command(entry)
        work.append((source, entry["directory"], command, key_of(source, command)))

    def check(item):
        source, directory, command, key = item
        if key in passed:
            return source, key, None
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
        return source, key, result

    checked = failed = 0
    keep = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, key, result in pool.map(check, work):
            if result is not None:
                checked += 1
                if result.returncode != 0:
                    failed += 1
                    print(result.stderr, file=sys.stderr)
                    continue
                if checked % 20 == 0:
                    print(f"clang thread safety: {checked} files checked so far", flush=True)
            keep.append(key)
    passed_file.write_text("\n".join(keep))
    print(f"clang thread safety: {len(work)} files, {checked} checked now, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
