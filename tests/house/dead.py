"""Rules against code that nobody uses. They go by names, so what shares its name with living code may pass."""
import collections
import re

from house import cpp
from house.arrows import CLIENT_HEADERS, INCLUDE
from house.tree import CPP, cpp_code, is_test

# header or source -> why nothing includes it, or uses what it defines.
UNUSED_FILES = {}
# function -> who calls it.
CALLED_FROM_OUTSIDE = {
    "AbslHashValue": "Abseil's hash tables, by argument-dependent look-up",
    "MATCHER_P": "a macro of gmock, which is expanded and not called",
    "is_enough": "Boost.Beast's parser, through the template argument",
}

_WORD = re.compile(r"[A-Za-z_]\w*")
_NOT_CALLED_BY_NAME = re.compile(r"\b(?:virtual|override|operator)\b|=\s*(?:0|default|delete)\s*$")


def _stem(path):
    return re.sub(r"(?:_test)?\.(?:cc|h)$", "", path)


def check_files(files, exempt=None):
    """A header is included by more than its own source and test; a source belongs to a header, or is used."""
    exempt = UNUSED_FILES if exempt is None else exempt
    sources = {path: text for path, text in files.items() if path.endswith(CPP)}
    includers = collections.defaultdict(set)
    words = {}
    for path, text in sources.items():
        for match in INCLUDE.finditer(text):
            name = match.group(1) or match.group(2)
            includers[f"clients/cpp/include/{name}" if name.startswith(CLIENT_HEADERS) else name].add(path)
        words[path] = set(_WORD.findall(cpp_code(text)))
    bad = []
    for path, text in sources.items():
        if is_test(path) or path.endswith("/main.cc") or "/examples/" in path:
            continue
        if path.endswith(".h"):
            used = any(_stem(user) != _stem(path) for user in includers[path])
        elif _stem(path) + ".h" in sources:
            continue
        else:
            names = {one.name for one in cpp.read(text).functions if "" not in one.namespaces}
            used = any(names & words[other] for other in sources if other != path)
        if not used and path not in exempt:
            bad.append(f"{path}: nothing uses it")
        elif used and path in exempt:
            bad.append(f"{path}: is used now, take it out of UNUSED_FILES")
    return bad + [f"{path}: in UNUSED_FILES, but gone" for path in exempt if path not in files]


def check_functions(files, exempt=None):
    """A function that a header of ours declares is named somewhere beside its declarations and definitions."""
    exempt = CALLED_FROM_OUTSIDE if exempt is None else exempt
    sources = {path: text for path, text in files.items() if path.endswith(CPP)}
    named = collections.Counter()
    introduced = collections.Counter()
    declared = {}
    classes = set()
    indirect = set()  # virtual, or not called by its name for another reason
    for path, text in sources.items():
        named.update(_WORD.findall(cpp_code(text)))
        reading = cpp.read(text)
        classes.update(one.name for one in reading.classes)
        places = [(one.name, one.head, one.first) for one in reading.functions]
        places += [(one.name, one.head, one.line) for one in reading.declarations]
        for name, head, line in places:
            introduced[name] += 1
            if _NOT_CALLED_BY_NAME.search(head):
                indirect.add(name)
            elif path.endswith(".h") and not path.startswith("tests/"):
                declared.setdefault(name, f"{path}:{line}")
    bad = []
    for name, where in declared.items():
        skip = name in classes or name in indirect or name.startswith(("~", "operator"))
        if not skip and name not in exempt and named[name] <= introduced[name]:
            bad.append(f"{where}: nothing calls {name}")
    return bad + [f"{name}: is called now or gone, take it out of CALLED_FROM_OUTSIDE" for name in exempt
                  if name not in declared or name in indirect or named[name] > introduced[name]]
