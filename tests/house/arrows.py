"""Which folder may include which: the arrows of docs/architecture.md, and who may see which library."""
import re

from house.tree import CPP, cpp_code, is_test, line_of

# The client's public headers, written and generated, are included as its users include them.
CLIENT_HEADERS = "latchwire/client/"
TOP = ("core/", "server/", "edge-agent/", "clients/", "tests/")

# folder -> folders it may include directly; what those may include, it may include too.
ARROWS = {
    "core/base": [],
    "core/json": [],
    "core/http": ["core/base", "core/json"],
    "core/catalogue": ["core/base"],
    "core/domain": ["core/base", "core/json", "core/http"],
    "core/signatures": ["core/base"],
    "core/formats": ["core/domain", "core/http", "core/signatures"],
    "core/dialects": ["core/domain", "core/http", "core/signatures", "core/catalogue"],
    "core/net": ["core/base", "core/http"],
    # What both programs share: flags and TOML, logs, signals, exit codes, health.
    "core/program": ["core/base", "core/http", "core/json"],
    "core/delivery": ["core/domain", "core/formats", "core/http"],
    "protos": [],
    "server/store/mutations": ["core/domain"],
    "server/store": ["server/store/mutations"],
    "server/store/driver": ["server/store"],
    "server/store/memory": ["server/store", "server/store/driver"],
    "server/store/sqlite": ["server/store", "server/store/driver"],
    "server/state": ["server/store", "core/formats"],
    "server/delivery": ["server/state", "core/delivery", "core/formats", "core/net"],
    "server/jobs": ["server/state"],
    "server/api": ["server/state", "core/catalogue", "core/formats", "core/net", "protos"],
    # The stream is one more gRPC service, behind the API's authenticating adapter.
    "server/ingest": ["server/api", "protos"],
    "server/metrics": ["server/delivery", "server/jobs", "server/state", "core/program"],
    "server/main": ["server/api", "server/ingest", "server/jobs", "server/metrics", "server/store/sqlite", "core/net", "core/program"],
    "edge-agent/spool": ["core/base"],
    "edge-agent/sources": ["core/dialects", "core/net"],
    # What the spool holds are domain events; the uplink turns them into protos.
    "edge-agent/uplink": ["edge-agent/spool", "core/domain", "protos"],
    "edge-agent/main": ["edge-agent/sources", "edge-agent/spool", "edge-agent/uplink", "core/program"],
    "clients/cpp": ["core/base", "core/signatures", "protos"],
    "clients/cpp/examples": ["clients/cpp"],
}

# Unit tests, and the doubles in a folder's own testing/, may use the doubles of all that the folder includes,
# and these:
TEST_ARROWS = {
    "core/json": ["core/base"],
    "core/catalogue": ["core/domain"],
    "server/store": ["server/store/driver"],
    "server/state": ["server/store/memory"],
    "server/delivery": ["server/store/memory"],
    "server/jobs": ["server/store/memory"],
    # The whole API is tried, the agents' service with it.
    "server/api": ["server/ingest", "server/store/memory"],
    "server/metrics": ["server/store/memory"],
    "server/main": ["server/store/memory"],
    # The model that the real driver is compared with, behind the real writer.
    "server/store/sqlite": ["server/state", "server/store/memory"],
    # An executor of real threads.
    "edge-agent/uplink": ["core/net"],
}

# (folder, target) -> why an arrow of the tables above may be unused for now.
UNUSED_ARROWS = {}

# header prefix -> folders that may include it. Tests under tests/ may include anything.
LIBRARIES = {
    "sqlite3.h": ["server/store/sqlite"],
    "grpcpp/": ["server/api", "server/ingest", "edge-agent/uplink", "clients/cpp"],
    "google/": ["server/api", "server/ingest", "edge-agent/uplink", "clients/cpp"],
    "boost/": ["core/net"],
    "ares.h": ["core/net"],
    "openssl/": ["core/base", "core/net"],
    "grpc/support/": ["core/program"],
    "spdlog/": ["core/program"],
    "toml++/": ["core/program"],
    "rapidjson/": ["core/json"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def folder_of(path):
    """The longest folder of ARROWS that holds the path, or its testing/; None when no rule is about it."""
    parts = path.split("/")[:-1]
    for end in range(len(parts), 0, -1):
        folder = "/".join(parts[:end])
        if folder in ARROWS:
            return f"{folder}/testing" if parts[end:end + 1] == ["testing"] else folder
    return None


def closure(folders):
    """What the folders may include, themselves too, without doubles."""
    seen, todo = set(), list(folders)
    while todo:
        folder = todo.pop()
        if folder not in seen:
            seen.add(folder)
            todo += ARROWS[folder]
    return seen


def allowed_folders(path, folder):
    owner = folder.removesuffix("/testing")
    allowed = closure([owner])
    if is_test(path):
        allowed |= closure(TEST_ARROWS.get(owner, []))
        allowed |= {f"{name}/testing" for name in allowed}
    return allowed


def _target_of(name):
    """The folder of ARROWS that an include is about; None for a library's."""
    if name.startswith(CLIENT_HEADERS):
        return "clients/cpp"
    if name.startswith("latchwire/"):
        return "protos"
    return folder_of(name) if name.startswith(TOP) else None


def check(files):
    """Every include that goes against an arrow."""
    bad = []
    for path, text in files.items():
        if not path.endswith(CPP) or path.startswith("tests/"):
            continue
        folder = folder_of(path)
        if folder is None:
            bad.append(f"{path}: its folder is not in ARROWS of tests/house/arrows.py")
            continue
        allowed = allowed_folders(path, folder)
        for match in INCLUDE.finditer(text):
            quoted, angled = match.groups()
            name = quoted or angled
            where = f"{path}:{line_of(text, match.start())}"
            target = _target_of(name)
            if name.startswith(TOP):
                if name not in files:
                    bad.append(f"{where}: includes {name}, which does not exist")
                elif target is None:
                    bad.append(f"{where}: includes {name}, which only tests/ may use")
                    continue
            elif target is None:
                bad += _library(where, path, folder, name, quoted is not None)
                continue
            if target is not None and target not in allowed:
                bad.append(f"{where}: {folder} may not include {name}")
    return bad


def _uses(files):
    """((folder, folder that its production code includes), (the same of its tests), (header, folder))."""
    production, tests, headers = set(), set(), set()
    for path, text in files.items():
        folder = folder_of(path)
        if not path.endswith(CPP) or folder is None:
            continue
        folder = folder.removesuffix("/testing")
        for match in INCLUDE.finditer(text):
            name = match.group(1) or match.group(2)
            target = _target_of(name)
            if target is not None:
                (tests if is_test(path) else production).add((folder, target.removesuffix("/testing")))
            elif not is_test(path):
                headers.add((name, folder))
    return production, tests, headers


def check_unused(files):
    """Every arrow and every leave to see a library is used by an include, so that the tables say what is."""
    production, tests, headers = _uses(files)
    unused = {(folder, target): f"{folder}: includes nothing of {target}, take the arrow out of ARROWS"
              for folder, targets in ARROWS.items() for target in targets if (folder, target) not in production}
    unused |= {(folder, target): f"{folder}: no test includes anything of {target}, take the arrow out of TEST_ARROWS"
               for folder, targets in TEST_ARROWS.items() for target in targets if (folder, target) not in tests}
    bad = [text for arrow, text in unused.items() if arrow not in UNUSED_ARROWS]
    bad += [f"{folder}: {target} is used now or gone, take it out of UNUSED_ARROWS"
            for folder, target in UNUSED_ARROWS if (folder, target) not in unused]
    for prefix, folders in LIBRARIES.items():
        for folder in folders:
            if not any(name.startswith(prefix) and (user == folder or user.startswith(folder + "/"))
                       for name, user in headers):
                bad.append(f"{folder}: does not use {prefix}, take it out of LIBRARIES")
    return bad


def _library(where, path, folder, name, quoted):
    if quoted and "/" not in name and name != "ares.h" and name != "sqlite3.h":
        return [f"{where}: include \"{name}\" by its path from the root"]
    for prefix, folders in LIBRARIES.items():
        if name.startswith(prefix) and not is_test(path):
            if not any(folder == f or folder.startswith(f + "/") for f in folders):
                return [f"{where}: {folder} may not use {name}; only {', '.join(folders)}"]
    return []


_THREADS = re.compile(r"std::j?thread\b(?!::)|\bpthread_create\b|std::async\b|\bthread_pool\b")


def makes_threads(path):
    return "/main/" in path or path.startswith(("core/net/", "server/state/"))


def check_threads(files):
    """Threads made anywhere but in main/, core/net and server/state."""
    bad = []
    for path, text in files.items():
        if path.endswith(CPP) and not makes_threads(path) and not is_test(path):
            code = cpp_code(text)
            bad += [f"{path}:{line_of(code, m.start())}: makes a thread ({m.group()})"
                    for m in _THREADS.finditer(code)]
    return bad
