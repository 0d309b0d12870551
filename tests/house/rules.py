"""Rules for single files. Each takes {path: text} and returns what breaks it."""
import re

from house.tree import CPP, CPP_NOISE, cpp_code, is_generated, is_test, line_of

_REAL_WORLD = re.compile(
    r"absl::Now\b|GetCurrentTimeNanos|_clock::now\b|\btime\s*\(\s*(?:nullptr|NULL|0|&)|\bgettimeofday\b"
    r"|\bclock_gettime\b|std::random_device|\bs?rand\s*\(|\bgetrandom\b|\bRAND_bytes\b"
    r"|absl::(?:Insecure)?BitGen\b")


def check_real_world(files):
    """The real clock and real randomness are read in core/base only, so that all else can be replayed.

    Tests are exempt: they may measure a thread or make a name, and benchmarks measure time.
    """
    bad = []
    for path, text in files.items():
        if path.endswith(CPP) and not path.startswith("core/base/") and not is_test(path):
            code = cpp_code(text)
            bad += [f"{path}:{line_of(code, m.start())}: reads the real world ({m.group()})"
                    for m in _REAL_WORLD.finditer(code)]
    return bad


LINE_CAP = 800
CODE = (".cc", ".h", ".py", ".go", ".sh", ".cmake", ".proto")

# path -> (lines, why it is one file). The number follows the file down and never up; a file that fits under
# the cap leaves the table.
LONG_FILES = {}


def check_length(files, exempt=None):
    exempt = LONG_FILES if exempt is None else exempt
    bad = []
    for path, text in files.items():
        if not path.endswith(CODE) or is_generated(path):
            continue
        lines = text.count("\n")
        if path not in exempt:
            if lines > LINE_CAP:
                bad.append(f"{path}: {lines} lines, the cap is {LINE_CAP}")
            continue
        recorded, reason = exempt[path]
        if lines <= LINE_CAP:
            bad.append(f"{path}: fits under the cap now, take it out of LONG_FILES")
        elif lines > recorded:
            bad.append(f"{path}: grew from {recorded} to {lines} lines; split it")
        elif lines < recorded - 20:
            bad.append(f"{path}: lower its number in LONG_FILES to {lines}")
        if not reason:
            bad.append(f"{path}: needs a reason in LONG_FILES")
    return bad + [f"{path}: in LONG_FILES, but gone" for path in exempt if path not in files]


# Written in pieces, so that this file passes its own rule.
_HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "proxy.golang" + ".org", "npmjs" + ".org",
          "deb.debian" + ".org", "snapshot.debian" + ".org", "ghcr" + ".io", "docker" + ".io"]
_MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|home/[a-z]\w*)/|" + "|".join(re.escape(host) for host in _HOSTS))


def check_machine(files):
    """No path of one machine and no address of a registry; in docker/ the image's own paths are fine."""
    bad = []
    for path, text in files.items():
        if is_generated(path):
            continue
        for match in _MACHINE.finditer(text):
            if path.startswith("docker/") and match.group() == "/root" + "/":
                continue
            bad.append(f"{path}:{line_of(text, match.start())}: {match.group()}")
    return bad


def check_targets(files):
    """Every folder with C++ sources has a CMakeLists.txt with one library (or, in tests/, any target)."""
    bad = []
    folders = {path.rsplit("/", 1)[0] for path in files if path.endswith(".cc")}
    for folder in sorted(folders):
        text = files.get(f"{folder}/CMakeLists.txt")
        if text is None:
            bad.append(f"{folder}: has sources but no CMakeLists.txt")
        elif folder.startswith("tests/") or folder.endswith("/examples"):
            if not re.search(r"\b(latchwire_(library|binary|test)|add_executable|add_library)\s*\(", text):
                bad.append(f"{folder}/CMakeLists.txt: no target")
        else:
            count = len(re.findall(r"^latchwire_library\s*\(", text, re.MULTILINE))
            if count != 1:
                bad.append(f"{folder}/CMakeLists.txt: {count} libraries, there should be one")
    return bad


_SLEEP = re.compile(
    r"\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|\bnanosleep\b|absl::SleepFor|\btime\.Sleep\s*\("
    r"|\btime\.sleep\s*\(|\basyncio\.sleep\s*\(|(?<![\w.])sleep\s*\(")

# path -> why. Other processes can only be asked again and again; one helper does that for all tests.
SLEEPERS = {}


def check_sleeps(files, exempt=None):
    """A test that sleeps is slow and still flaky: step the clock, or wait for the event itself.

    tests/bench/ is exempt: it judges nothing, and measures over a stretch of time.
    """
    exempt = SLEEPERS if exempt is None else exempt
    bad = []
    for path, text in files.items():
        if is_test(path) and path.endswith((*CPP, ".py", ".go")) and path not in exempt \
                and not path.startswith(("tests/house/", "tests/bench/")):
            code = cpp_code(text) if path.endswith((*CPP, ".go")) else re.sub(r"#[^\n]*", "", text)
            bad += [f"{path}:{line_of(code, m.start())}: sleeps ({m.group()})"
                    for m in _SLEEP.finditer(code)]
    for path in exempt:
        if path not in files or not _SLEEP.search(files[path]):
            bad.append(f"{path}: in SLEEPERS, but does not sleep")
    return bad


def check_services(files):
    """One service per proto file, so that a reader finds it by name."""
    bad = []
    for path, text in files.items():
        services = re.findall(r"^service (\w+)", text, re.MULTILINE) if path.endswith(".proto") else []
        if len(services) > 1:
            bad.append(f"{path}: {len(services)} services: {', '.join(services)}")
    return bad


REASONS = "core/base/error_reason.h"
# path -> why it says the same word.
NO_REASONS = {"core/http/result.cc": "transport errors have names of their own"}


def check_reasons(files, exempt=None):
    """Reasons of errors are the constants of core/base/error_reason.h: a misspelt literal would match nothing."""
    exempt = NO_REASONS if exempt is None else exempt
    reasons = set(re.findall(r'"([A-Z_]+)"', files.get(REASONS, "")))
    bad = []
    for path, text in files.items():
        ours = path.startswith(("core/", "server/", "edge-agent/")) and path.endswith(CPP)
        if not ours or is_test(path) or path == REASONS or path in exempt:
            continue
        code = CPP_NOISE.sub(lambda m: m.group() if m.group().startswith('"') else "\n" * m.group().count("\n"), text)
        for match in re.finditer(r'(\b(?:MakeError|NotFound)\s*\((?:[^();"]*,)?\s*)?"([A-Z][A-Z0-9_]*)"', code):
            if match.group(1) or match.group(2) in reasons:
                bad.append(f"{path}:{line_of(code, match.start(2))}: \"{match.group(2)}\" is a literal, "
                           f"use the constant of {REASONS}")
    return bad
