"""The rules of the house, on the project as it stands, and each rule on a sample that breaks it."""
import pytest

from house import arrows, rules
from house.tree import project_files

FILES = project_files()

RULES = [
    arrows.check, arrows.check_threads, rules.check_real_world, rules.check_length,
    rules.check_machine, rules.check_targets, rules.check_sleeps, rules.check_services,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__}.{rule.__name__}")
def test_project_keeps(rule):
    bad = rule(FILES)
    assert not bad, "\n" + "\n".join(bad)


SAMPLES = [
    # rule, a file that breaks it, files it needs
    (arrows.check, "core/base/clock.h", '#include "core/domain/event.h"\n', ["core/domain/event.h"]),
    (arrows.check, "server/delivery/scheduler.cc", '#include "server/store/sqlite/store.h"\n',
     ["server/store/sqlite/store.h"]),
    (arrows.check, "server/store/store.h", '#include "latchwire/v1/event.pb.h"\n', []),
    (arrows.check, "edge-agent/main/main.cc", '#include "server/api/status.h"\n', ["server/api/status.h"]),
    (arrows.check, "core/domain/event.h", '#include "core/base/gone.h"\n', []),
    (arrows.check, "core/domain/event.cc", '#include "event.h"\n', []),
    (arrows.check, "core/new/thing.h", "\n", []),
    (arrows.check, "core/base/clock.h", '#include "tests/sim/world.h"\n', ["tests/sim/world.h"]),
    (arrows.check, "core/formats/custom.cc", '#include "core/base/testing/world.h"\n',
     ["core/base/testing/world.h"]),
    (arrows.check, "server/delivery/scheduler.cc", '#include "server/delivery/testing/world.h"\n',
     ["server/delivery/testing/world.h"]),
    (arrows.check, "core/base/testing/world.h", '#include "core/domain/testing/event.h"\n',
     ["core/domain/testing/event.h"]),
    (arrows.check, "server/delivery/scheduler.h", "#include <grpcpp/grpcpp.h>\n", []),
    (arrows.check, "server/store/memory/store.h", '#include "sqlite3.h"\n', []),
    (arrows.check_threads, "server/delivery/scheduler.cc", "std::thread worker(run);\n", []),
    (arrows.check_threads, "edge-agent/spool/spool.h", "  std::jthread thread_;\n", []),
    (arrows.check_threads, "core/base/executor.cc", "auto f = std::async(run);\n", []),
    (rules.check_real_world, "server/delivery/retry.cc", "auto now = absl::Now();\n", []),
    (rules.check_real_world, "core/domain/event.cc", "std::chrono::system_clock::now();\n", []),
    (rules.check_real_world, "core/domain/event.cc", "int r = rand();\n", []),
    (rules.check_real_world, "core/domain/event.cc", "long t = time(nullptr);\n", []),
    (rules.check_length, "core/domain/event.cc", "\n" * 801, []),
    (rules.check_machine, "docs/how.md", "cd /" + "work/main\n", []),
    (rules.check_machine, "cmake/get.sh", "curl https://pypi" + ".org/simple\n", []),
    (rules.check_targets, "core/new/thing.cc", "\n", []),
    (rules.check_sleeps, "core/base/clock_test.cc", "absl::SleepFor(absl::Seconds(1));\n", []),
    (rules.check_sleeps, "tests/e2e/test_run.py", "time.sleep(1)\n", []),
    (rules.check_sleeps, "server/gateway/main_test.go", "time.Sleep(time.Second)\n", []),
    (rules.check_services, "protos/latchwire/v1/all.proto", "service A {}\nservice B {}\n", []),
]


@pytest.mark.parametrize("rule,path,text,others", SAMPLES)
def test_rule_catches(rule, path, text, others, monkeypatch):
    monkeypatch.setattr(rules, "LONG_FILES", {})
    monkeypatch.setattr(rules, "SLEEPERS", {})
    files = {name: "\n" for name in others} | {path: text}
    bad = rule(files)
    assert len(bad) == 1 and bad[0].startswith(path.rsplit("/", 1)[0]), bad


FINE = [
    (arrows.check, "server/delivery/scheduler.cc", '#include "core/base/clock.h"\n#include <vector>\n'),
    (arrows.check, "server/api/event_service.cc",
     '#include "latchwire/v1/event.pb.h"\n#include <grpcpp/grpcpp.h>\n#include "core/base/clock.h"\n'),
    (arrows.check, "server/delivery/scheduler_test.cc", '#include "server/store/memory/store.h"\n'),
    (arrows.check, "server/delivery/testing/world.h", '#include "core/base/testing/world.h"\n'),
    (arrows.check_threads, "server/main/main.cc", "std::thread worker(run);\n"),
    (arrows.check_threads, "server/delivery/scheduler.cc", "// a std::thread would be wrong here\n"),
    (arrows.check_threads, "core/base/mutex.h", "std::thread::id owner;\n"),
    (rules.check_real_world, "core/base/clock.cc", "return absl::Now();\n"),
    (rules.check_real_world, "server/api/list.cc", "receive_time(row); next_time(0); strand(x);\n"),
]


@pytest.mark.parametrize("rule,path,text", FINE)
def test_rule_lets_pass(rule, path, text):
    others = {"core/base/clock.h": "\n", "server/store/memory/store.h": "\n",
              "core/base/testing/world.h": "\n"}
    assert rule(others | {path: text}) == []


def test_length_exemptions_only_shrink():
    long = {"a/b.cc": "\n" * 900}
    assert rules.check_length(long, {"a/b.cc": (900, "one table")}) == []
    assert "grew" in rules.check_length(long, {"a/b.cc": (850, "one table")})[0]
    assert "lower" in rules.check_length(long, {"a/b.cc": (1000, "one table")})[0]
    assert "reason" in rules.check_length(long, {"a/b.cc": (900, "")})[0]
    assert "fits" in rules.check_length({"a/b.cc": "\n"}, {"a/b.cc": (900, "one table")})[0]
    assert "gone" in rules.check_length({}, {"a/b.cc": (900, "one table")})[0]


def test_arrows_name_only_folders_that_are_known():
    named = {f for table in (arrows.ARROWS, arrows.TEST_ARROWS) for fs in table.values() for f in fs}
    assert named <= set(arrows.ARROWS)
