"""`make docker-check`: does what docker/Dockerfile says, without Docker; needs root and an hour.

The builder's own RUN and COPY steps, read from the Dockerfile, run in a bare Debian root that debootstrap makes. Then each
image's steps run in a second root, and its program starts there as the image's user with the image's entry point, in a
network of its own, until its health check is content.

Mirrors, proxies and certificate authorities are this machine's: they come in by environment and bind mounts, in a mount
namespace that ends with the run.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import Dict, List

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from docker import dockerfile  # noqa: E402
from e2e.process import Process  # noqa: E402

PROGRAMS = ("server", "gateway", "agent")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
AUTHORITIES_INSIDE = "/run/host-certificates.crt"
CLONE_NEWNET = 0x40000000
START = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - START:6.0f} s] {text}", flush=True)


def run(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(a) for a in arguments], check=True, **options)


def archives() -> List[str]:
    """This machine's own Debian archives, as lines of a sources.list."""
    suite = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text())[1]
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE) $(CODENAME) $(COMPONENT)",
                 "Created-By: Packages", capture_output=True, text=True).stdout
    found = sorted({
        f"deb {uri} {codename} {component}"
        for uri, _, codename, component in (line.split() for line in listed.splitlines() if len(line.split()) == 4)
        if codename in (suite, f"{suite}-updates", f"{suite}-security") and component == "main"
    }, key=lambda line: line.split()[2])
    if suite != "bookworm" or not found:
        sys.exit("needs Debian 12's own archive in this machine's apt configuration")
    return found


def make_base(folder: pathlib.Path) -> None:
    lines = archives()
    mirror = lines[0].split()[1]
    say("debootstrap bookworm")
    run("debootstrap", "--variant=minbase", "bookworm", folder, mirror, stdout=subprocess.DEVNULL)
    for mounted in ("proc", "sys"):  # in case debootstrap left them
        subprocess.run(["umount", folder / mounted], stderr=subprocess.DEVNULL)
    (folder / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")


class Root:
    """A stage under way: a folder, and what ENV, WORKDIR and USER have said so far."""

    def __init__(self, folder: pathlib.Path, base: pathlib.Path):
        self.folder = folder
        self.workdir = pathlib.PurePosixPath("/")
        self.environment = {"PATH": PATH, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        if not folder.exists():
            run("cp", "-a", base, folder)
        run("mount", "-t", "proc", "proc", folder / "proc")

    def bind(self, source: str, target: str) -> None:
        if os.path.exists(source):
            inside = self.inside(target)
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
            run("mount", "--bind", source, inside)

    def use_machines_registries(self) -> None:
        self.bind("/etc/resolv.conf", "/etc/resolv.conf")
        self.bind("/etc/pip.conf", "/etc/pip.conf")
        self.bind(AUTHORITIES, AUTHORITIES_INSIDE)
        self.environment |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        for name in ("SSL_CERT_FILE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"):
            self.environment[name] = AUTHORITIES_INSIDE

    def inside(self, path) -> pathlib.Path:
        return self.folder / str(self.workdir / path).lstrip("/")

    def command(self, arguments: List[str], user: str = "0:0") -> List[str]:
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        return ["chroot", f"--userspec={user}", str(self.folder), "/usr/bin/env", "-i", *environment, *arguments]

    def apply(self, instruction: dockerfile.Instruction, roots: Dict[str, "Root"], ignored) -> None:
        say(f"{self.folder.name}: {instruction.keyword} {instruction.text}")
        if instruction.keyword == "ENV":
            self.environment |= dockerfile.pairs_of(instruction)
        elif instruction.keyword == "WORKDIR":
            self.workdir = self.workdir / instruction.text
            self.inside(".").mkdir(parents=True, exist_ok=True)
        elif instruction.keyword == "RUN":
            run("nice", *self.command(["sh", "-ec", f"cd {self.workdir} && {instruction.text}"]))
        elif instruction.keyword == "COPY":
            copy = dockerfile.copy_of(instruction)
            if copy.stage is None:
                for source in copy.sources:
                    copy_context(source, self.inside(copy.target), ignored)
            else:
                for source in copy.sources:
                    place(roots[copy.stage].inside(source), self.inside(copy.target), copy.target.endswith("/"))


def place(source: pathlib.Path, target: pathlib.Path, into: bool) -> None:
    target = target / source.name if into else target
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def copy_context(source: str, target: pathlib.Path, ignored) -> None:
    """As Docker does: the contents of a folder, without what .dockerignore names."""
    start = ROOT / source
    for folder, names, files in os.walk(start):
        here = pathlib.Path(folder)
        names[:] = [name for name in names if not ignored((here / name).relative_to(ROOT))]
        for name in files:
            if not ignored((here / name).relative_to(ROOT)):
                to = target / (here / name).relative_to(start)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(here / name, to, follow_symlinks=False)


def build(folder: pathlib.Path, resume: bool) -> None:
    """In a mount namespace of its own."""
    stages = dockerfile.parse((ROOT / "docker/Dockerfile").read_text())
    ignored = dockerfile.Ignore((ROOT / ".dockerignore").read_text())
    if resume:
        for name in PROGRAMS:
            shutil.rmtree(folder / name, ignore_errors=True)
    else:
        make_base(folder / "base")
    roots: Dict[str, Root] = {}
    for name in ("builder", *PROGRAMS):
        root = roots[name] = Root(folder / name, folder / "base")
        if name == "builder":
            root.use_machines_registries()
        for stage in dockerfile.lineage(stages, name):
            tools_are_there = resume and name == "builder"
            for instruction in stage.instructions:
                tools_are_there = tools_are_there and instruction.text != ". ."
                if not (tools_are_there and instruction.keyword in ("COPY", "RUN")):
                    root.apply(instruction, roots, ignored)
    for name in PROGRAMS:
        program = dockerfile.last(dockerfile.lineage(stages, name), "ENTRYPOINT").exec_form()[0]
        version = run(*roots[name].command([program, "--version"], user_of(stages, name)),
                      stdout=subprocess.PIPE, text=True)
        say(f"{name}: {' '.join(version.stdout.split())}")
    start_all(stages, roots)


def user_of(stages: List[dockerfile.Stage], name: str) -> str:
    return dockerfile.last(dockerfile.lineage(stages, name), "USER").text


def start_all(stages: List[dockerfile.Stage], roots: Dict[str, Root]) -> None:
    # Nothing else listens in this network, and nothing outside reaches it.
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot make a network namespace")
    run("ip", "link", "set", "lo", "up")
    extra = {
        "server": [],
        "gateway": ["--server=127.0.0.1:50051"],
        "agent": ["--agent=front-door", "--server=127.0.0.1:50051"],
    }
    agent = roots["agent"].folder
    (agent / "etc/latchwire").mkdir()
    shutil.copy2(ROOT / "docker/agent.toml", agent / "etc/latchwire")
    (agent / "run/secrets").mkdir()
    for secret in ("agent_key", "json_token"):
        (agent / "run/secrets" / secret).write_text("AAAAAAAAAAAAAAAA.secret\n")

    processes = []
    try:
        for name in PROGRAMS:
            lineage = dockerfile.lineage(stages, name)
            words = dockerfile.last(lineage, "ENTRYPOINT").exec_form() + extra[name]
            process = Process(roots[name].command(words, user_of(stages, name)))
            processes.append(process)
            process.wait_for_line("listening on")
            check = dockerfile.health_command(dockerfile.last(lineage, "HEALTHCHECK"))
            wait_until_healthy(name, roots[name].command(check, user_of(stages, name)))
            say(f"{name}: healthy as user {user_of(stages, name)}")
    finally:
        codes = [process.stop() for process in reversed(processes)]
    assert codes == [0] * len(PROGRAMS), codes


def wait_until_healthy(name: str, check: List[str]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while subprocess.run(check, capture_output=True, timeout=30).returncode != 0:
        if time.monotonic() > deadline:
            raise AssertionError(f"the health check of {name} was never content")
        pause.wait(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/docker-check")
    parser.add_argument("--keep", action="store_true", help="leave the roots behind")
    parser.add_argument("--resume", action="store_true",
                        help="begin at COPY . . with the roots that --keep has left")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.absolute()
    if options.inside:
        build(folder, options.resume)
        return 0
    if os.getuid() != 0:
        print("docker-check makes Debian roots, which takes root", file=sys.stderr)
        return 1
    if not options.resume:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    # The mounts live in the inner process's namespaces: out here the folders hold plain files, safe to remove.
    inner = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, __file__, "--inside",
                            "--folder", str(folder), *(["--resume"] if options.resume else [])])
    if not options.keep:
        shutil.rmtree(folder)
    say("docker-check: passed" if inner.returncode == 0 else "docker-check: FAILED")
    return inner.returncode


if __name__ == "__main__":
    sys.exit(main())
