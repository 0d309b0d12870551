"""The images, as far as they can be judged without an engine: docker/ against the tree and the real programs."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from docker import dockerfile
from e2e.process import ROOT, Process, binary

DOCKER = ROOT / "docker"
STAGES = dockerfile.parse((DOCKER / "Dockerfile").read_text())
IGNORED = dockerfile.Ignore((ROOT / ".dockerignore").read_text())
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PROGRAMS = ("server", "gateway", "agent")


def entry_point(target):
    return dockerfile.last(dockerfile.lineage(STAGES, target), "ENTRYPOINT").exec_form()


def test_every_program_has_a_target_and_a_service():
    assert set(PROGRAMS) <= {stage.name for stage in STAGES}
    assert set(SERVICES) == set(PROGRAMS)
    for name, service in SERVICES.items():
        build = service["build"]
        assert build["target"] == name and (DOCKER / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).samefile(DOCKER / "Dockerfile")
        assert entry_point(name)[0] == f"latchwire-{name}"


def test_all_bases_are_of_one_debian():
    names = {stage.name for stage in STAGES}
    bases = {stage.base for stage in STAGES if stage.base not in names}
    assert bases == {"debian:bookworm", "debian:bookworm-slim"}


def test_what_is_copied_from_the_context_is_there():
    copied = [dockerfile.copy_of(i) for stage in STAGES for i in stage.all("COPY")]
    assert any(copy.stage is None for copy in copied)
    for copy in copied:
        for source in copy.sources if copy.stage is None else ():
            paths = list(ROOT.glob(source)) if source != "." else [ROOT]
            assert paths, f"COPY {source}: no such file"
            for path in paths:
                assert path == ROOT or not IGNORED(path.relative_to(ROOT)), f"COPY {source}: is ignored"


def test_what_is_copied_from_stages_is_made_there():
    made = {"/etc/ssl/certs/ca-certificates.crt"} | {f"/src/build/release/bin/latchwire-{p}" for p in PROGRAMS}
    seen = set()
    for stage in STAGES:
        for copy in map(dockerfile.copy_of, stage.all("COPY")):
            if copy.stage is not None:
                assert copy.stage in seen, f"{stage.name} copies from {copy.stage}, which is no earlier stage"
                assert set(copy.sources) <= made, copy
        seen.add(stage.name)
    assert "ca-certificates" in (ROOT / "cmake/install-dependencies.sh").read_text()
    runs = [i.text for i in STAGES[0].all("RUN")]
    assert runs[:2] == ["cmake/install-dependencies.sh", "make release"]


def test_the_build_gets_every_file_that_it_needs_and_no_other():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for path in tracked:
        needed = path.startswith(("cmake/", "core/", "server/", "edge-agent/", "clients/", "protos/"))
        if needed or path in ("Makefile", "CMakeLists.txt", "CMakePresets.json"):
            assert not IGNORED(path), f"{path} is ignored, and the build needs it"
    for path in (".git/HEAD", "build/run-state/server/admin.key", "docker/keys/agent_key", "x/latchwire.db-wal",
                 "tests/e2e/__pycache__/a.pyc"):
        assert IGNORED(path), f"{path} would get into the builder"


@pytest.mark.parametrize("target", PROGRAMS)
def test_images_are_small_doors(target):
    lineage = dockerfile.lineage(STAGES, target)
    assert [stage.name for stage in lineage] == ["runtime", target]
    user = dockerfile.last(lineage, "USER").text
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), f"{user}: not a number other than root's"
    assert dockerfile.last(lineage, "CMD") is None
    port = dockerfile.last(lineage, "EXPOSE").text
    assert f"--listen=0.0.0.0:{port}" in entry_point(target)
    assert f"/127.0.0.1/{port}" in dockerfile.health_command(dockerfile.last(lineage, "HEALTHCHECK"))[2]
    volumes = [i.text for stage in lineage for i in stage.all("VOLUME")]
    mounted = [volume.split(":")[1] for volume in SERVICES[target].get("volumes", [])]
    assert volumes == mounted, "what an image keeps is a named volume of the compose file"
    assert not any(stage.all("ENV") or stage.all("ARG") for stage in lineage)


def test_the_version_is_the_projects():
    labels = {}
    for stage in STAGES:
        for label in stage.all("LABEL"):
            labels |= dockerfile.pairs_of(label)
    cmake = re.search(r"project\(Latchwire VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert labels["org.opencontainers.image.version"] == cmake[1]


def test_compose_publishes_on_loopback_only_and_names_what_exists():
    for name, service in SERVICES.items():
        port = dockerfile.last(dockerfile.lineage(STAGES, name), "EXPOSE").text
        assert [str(p) for p in service["ports"]] == [f"127.0.0.1:{port}:{port}"]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
        for config in service.get("configs", []):
            assert config["source"] in COMPOSE["configs"]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    for config in COMPOSE["configs"].values():
        assert (DOCKER / config["file"]).exists()
    ignored = (DOCKER / ".gitignore").read_text().split()
    for secret in COMPOSE["secrets"].values():
        folder = pathlib.PurePath(secret["file"]).parts[0]
        assert f"/{folder}/" in ignored and IGNORED(f"docker/{secret['file']}")
        assert f"docker/{secret['file']}" in (DOCKER / "README.md").read_text()


@pytest.fixture
def started(tmp_path):
    """Starts a program as its image and the compose file say, but on free ports and in folders of the test."""
    processes = []

    def start(name, replacements):
        words = entry_point(name)[1:] + SERVICES[name].get("command", [])
        for old, new in {"0.0.0.0:": "127.0.0.1:0#", **replacements}.items():
            words = [word.replace(old, str(new)) for word in words]
        words = [re.sub(r"#\d+", "", word) for word in words]
        assert not any(word.startswith("/") or "=/" in word and str(tmp_path) not in word for word in words), words
        process = Process([binary(f"latchwire-{name}"), *words])
        processes.append(process)
        return process.wait_for_line(r"listening on (\S+:\d+)").group(1)

    yield start
    for process in reversed(processes):
        assert process.stop() == 0, process.output


def healthy(target, address):
    lineage = dockerfile.lineage(STAGES, target)
    port = dockerfile.last(lineage, "EXPOSE").text
    words = dockerfile.health_command(dockerfile.last(lineage, "HEALTHCHECK"))
    words = [word.replace(f"/127.0.0.1/{port}", "/127.0.0.1/" + address.rpartition(":")[2]) for word in words]
    return subprocess.run(words, capture_output=True, timeout=30).returncode == 0


def test_programs_start_as_the_images_say_and_are_healthy(started, tmp_path):
    for folder in ("server", "agent", "secrets"):
        (tmp_path / folder).mkdir()
    server = started("server", {"/var/lib/latchwire": tmp_path / "server"})
    assert healthy("server", server)
    gateway = started("gateway", {"server:50051": server})
    assert healthy("gateway", gateway)

    for secret in SERVICES["agent"]["secrets"]:
        (tmp_path / "secrets" / secret).write_text("AAAAAAAAAAAAAAAA.secret\n")
    config = tmp_path / "agent.toml"
    config.write_text((DOCKER / "agent.toml").read_text().replace("/run/secrets", str(tmp_path / "secrets")))
    agent = started("agent", {
        "/var/lib/latchwire": tmp_path / "agent",
        "/run/secrets": tmp_path / "secrets",
        SERVICES["agent"]["configs"][0]["target"]: config,
        "server:50051": server,
    })
    assert healthy("agent", agent)
    for target in PROGRAMS:
        assert not healthy(target, "127.0.0.1:1"), "a health check must be able to fail"


@pytest.mark.parametrize("text", [
    "RUN x\n", "FROM debian:bookworm\n", "FROM a AS b\nADD x y\n", "FROM a AS b\nRUN x \\\n", "FROM a AS b\nRUN cat <<E\n",
])
def test_unknown_dockerfiles_are_refused(text):
    with pytest.raises(ValueError):
        dockerfile.parse(text)


def test_dockerfiles_are_read():
    base, top = dockerfile.parse('FROM x AS a\n# c\nRUN one \\\n  two\nFROM a AS b\nCOPY --from=a /p /q r/\nCMD ["z"]\n')
    assert [i.text for i in base.all("RUN")] == ["one two"]
    assert dockerfile.copy_of(top.all("COPY")[0]) == dockerfile.Copy("a", ["/p", "/q"], "r/")
    assert top.all("CMD")[0].exec_form() == json.loads('["z"]')
    assert [s.name for s in dockerfile.lineage([base, top], "b")] == ["a", "b"]


@pytest.mark.parametrize("path, ignored", [
    ("build", True), ("build/x/y", True), ("a/build", False), ("a/b.pyc", True), ("b.pyc", True),
    ("keep/b.pyc", False), ("a/.git", False), ("one/x", True), ("one/x/y", True),
])
def test_ignore_patterns(path, ignored):
    assert dockerfile.Ignore("# c\nbuild\n**/*.pyc\n.git\none/*\n!keep/b.pyc\n")(path) is ignored
