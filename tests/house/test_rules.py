"""The rules of the house, on the project as it stands, and each rule on a sample that breaks it."""
import pytest

from house import arrows, cpp, dead, prose, rules, shape
from house.tree import project_files

FILES = project_files()

RULES = [
    arrows.check, arrows.check_unused, arrows.check_threads, rules.check_real_world, rules.check_length,
    rules.check_machine, rules.check_targets, rules.check_sleeps, rules.check_services,
    rules.check_reasons, shape.check_function_length, shape.check_class_files, shape.check_class_names,
    dead.check_files, dead.check_functions, prose.check_tables,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__}.{rule.__name__}")
def test_project_keeps(rule):
    bad = rule(FILES)
    assert not bad, "\n" + "\n".join(bad)


LONG_BODY = "  Step();\n" * 69

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
    (rules.check_reasons, "server/api/a.cc", 'return MakeError(absl::StatusCode::kAborted,\n  "NEW_ONE", "text");\n', []),
    (rules.check_reasons, "server/api/a.cc", 'return NotFound("WEBHOOK_NOT_FOUND", name);\n', []),
    (shape.check_function_length, "core/base/a.cc", "void Run() {\n" + LONG_BODY + "}\n", []),
    (shape.check_function_length, "core/base/a.cc",
     "A::A(int b)\n    : b_{b}, c_({1}) {\n" + LONG_BODY + "}\n", []),
    (shape.check_function_length, "core/base/a_test.cc", "TEST(A, B) {\n" + LONG_BODY + "}\n", []),
    (shape.check_class_names, "core/base/a.h", "namespace n {\nclass A {\n};\nstruct A : B {\n};\n}\n", []),
    (dead.check_files, "core/base/a.h", "int A();\n", []),
    (dead.check_files, "core/base/a.cc", "int A() {\n  return 1;\n}\n", []),
    (dead.check_functions, "core/base/a.h", "namespace n {\nint Unused(int a);\n}\n", []),
    (dead.check_functions, "core/base/a.h", "class A {\n public:\n  int unused() const { return 1; }\n};\n", []),
    (prose.check_tables, "docs/a.md", "| a | b |\n|---|---|\n| 1 |\n", []),
    (prose.check_tables, "docs/a.md", "| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n", []),
    (prose.check_tables, "docs/a.md", "| a | b |\n| 1 | 2 |\n", []),
]


@pytest.mark.parametrize("rule,path,text,others", SAMPLES)
def test_rule_catches(rule, path, text, others, monkeypatch):
    monkeypatch.setattr(rules, "LONG_FILES", {})
    monkeypatch.setattr(rules, "SLEEPERS", {})
    monkeypatch.setattr(shape, "LONG_FUNCTIONS", {})
    monkeypatch.setattr(dead, "UNUSED_FILES", {})
    monkeypatch.setattr(dead, "CALLED_FROM_OUTSIDE", {})
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
    (rules.check_reasons, "server/api/a.cc", '// "FENCED"\nMakeError(code, error_reason::kX, "NOT FOUND", {{"A", b}});\n'),
    (shape.check_function_length, "core/base/a.cc", "void Run() {\n" + LONG_BODY[:-len("  Step();\n")] + "}\n"),
    (shape.check_function_length, "core/base/a.cc", "constexpr int kTable[] = {\n" + "    1,\n" * 100 + "};\n"),
    (shape.check_class_names, "core/base/a.h",
     "namespace n {\nclass A;\nclass A {\n  struct B {\n  };\n};\nclass B {\n};\n}\nnamespace m {\nclass A {\n};\n}\n"),
    (dead.check_functions, "core/base/a.h", "int Used();\ninline int A() { return Used(); }\nint b = A();\n"),
    (dead.check_functions, "core/base/a.h", "class A {\n  virtual int Hook() = 0;\n  A(int b);\n};\n"),
    (prose.check_tables, "docs/a.md", "| a | b |\n|---|:-:|\n| `x | y` | 2 \\| 3 |\n"),
    (prose.check_tables, "docs/a.md", "```\n| not a table\n```\n"),
]


@pytest.mark.parametrize("rule,path,text", FINE)
def test_rule_lets_pass(rule, path, text, monkeypatch):
    monkeypatch.setattr(shape, "LONG_FUNCTIONS", {})
    monkeypatch.setattr(dead, "CALLED_FROM_OUTSIDE", {})
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


def test_a_class_in_three_files_is_caught():
    files = {f"core/base/{name}.cc": "namespace n {\nvoid Big::Do() {\n}\n}\n" for name in "ab"}
    assert shape.check_class_files(files, {}) == []
    assert shape.check_class_files(files | {"core/base/a_test.cc": files["core/base/a.cc"]}, {}) == []
    files["core/base/c.cc"] = files["core/base/a.cc"]
    bad = shape.check_class_files(files, {})
    assert len(bad) == 1 and "n::Big has 3 files" in bad[0]
    assert shape.check_class_files(files, {"n::Big": (3, "being split")}) == []
    assert "lower" in shape.check_class_files(files, {"n::Big": (4, "being split")})[0]
    assert "reason" in shape.check_class_files(files, {"n::Big": (3, "")})[0]
    assert "gone" in shape.check_class_files({}, {"n::Big": (3, "being split")})[0]


def test_long_functions_only_shrink():
    files = {"a.cc": "void Run() {\n" + "  Step();\n" * 78 + "}\n"}
    key = ("a.cc", "Run")
    assert shape.check_function_length(files, {key: (80, "one list")}) == []
    assert "cap is 79" in shape.check_function_length(files, {key: (79, "one list")})[0]
    assert "lower" in shape.check_function_length(files, {key: (81, "one list")})[0]
    short = {"a.cc": "void Run() {\n}\n"}
    assert "fits" in shape.check_function_length(short, {key: (80, "one list")})[0]


def test_used_files_are_not_dead():
    files = {"core/base/a.h": "int A();\n", "core/base/a.cc": "\n", "core/base/part.cc": "int B() {\n}\n",
             "core/base/main.cc": "\n", "server/api/b_test.cc": '#include "core/base/a.h"\nint b = B();\n'}
    assert dead.check_files(files, {}) == []
    own = {"core/base/a.h": "int A();\n", "core/base/a_test.cc": '#include "core/base/a.h"\n'}
    assert dead.check_files(own, {}) == ["core/base/a.h: nothing uses it"]
    assert dead.check_files(own, {"core/base/a.h": "soon"}) == []
    assert "gone" in dead.check_files({}, {"core/base/a.h": "soon"})[0]


def test_functions_called_from_outside_are_named_once():
    files = {"core/base/a.h": "int Hook(int a);\n"}
    assert dead.check_functions(files, {"Hook": "a library"}) == []
    assert len(dead.check_functions(files, {"Hook": "a library", "Gone": "a library"})) == 1
    files["core/base/b.cc"] = "int b = Hook(1);\n"
    assert len(dead.check_functions(files, {"Hook": "a library"})) == 1


def test_unused_arrows_are_caught(monkeypatch):
    monkeypatch.setattr(arrows, "ARROWS", {"core/a": [], "core/b": ["core/a"]})
    monkeypatch.setattr(arrows, "TEST_ARROWS", {"core/a": ["core/b"]})
    monkeypatch.setattr(arrows, "LIBRARIES", {"sqlite3.h": ["core/b"]})
    monkeypatch.setattr(arrows, "UNUSED_ARROWS", {})
    used = {"core/b/b.cc": '#include "core/a/a.h"\n#include <sqlite3.h>\n',
            "core/a/a_test.cc": '#include "core/b/b.h"\n'}
    assert arrows.check_unused(used) == []
    # What only a test includes is no arrow of the production code.
    assert len(arrows.check_unused({"core/b/b_test.cc": '#include "core/a/a.h"\n'})) == 3
    monkeypatch.setattr(arrows, "UNUSED_ARROWS", {("core/b", "core/a"): "soon"})
    assert len(arrows.check_unused({"core/b/b_test.cc": '#include "core/a/a.h"\n'})) == 2
    assert len(arrows.check_unused(used)) == 1


def test_a_reason_is_known_wherever_it_stands():
    files = {rules.REASONS: 'constexpr string_view kFenced = "FENCED";\n',
             "server/api/a.cc": 'if (ReasonOf(status) == "FENCED") return;\nif (why == "OTHER") return;\n'}
    bad = rules.check_reasons(files)
    assert len(bad) == 1 and bad[0].startswith("server/api/a.cc:1: ")
    assert rules.check_reasons(files, {"server/api/a.cc": "a name of its own"}) == []


READ_ME = """
namespace latchwire {
namespace {
constexpr int kMany[] = {1, 2};
const auto kTable = [] {
  return 1'000;
}();
char Quote() {
  return '{';
}
}  // namespace

template <typename T>
class Queue final : public Base<T> {
 public:
  explicit Queue(int size) : size_{size} {}
  struct Row {
    int number() const { return 7; }
  };
  int Pop() ABSL_LOCKS_EXCLUDED(mutex_);
  virtual void Hook() = 0;

 private:
  std::function<void(int)> done_ = [](int) {};
};

template <typename T>
int Queue<T>::Pop() {
  if (size_ > 0) {
    return 1;
  }
  return 0;
}
}  // namespace latchwire
"""


def test_the_reader_knows_functions_from_the_rest():
    reading = cpp.read(READ_ME)
    assert [(f.scope, f.name, f.last - f.first) for f in reading.functions] == [
        ("", "Quote", 2), ("Queue", "Queue", 0), ("Queue::Row", "number", 0), ("Queue", "Pop", 6)]
    assert [c.name for c in reading.classes] == ["Queue"]
    assert [d.name for d in reading.declarations] == ["Pop", "Hook"]
