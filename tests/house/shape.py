"""Rules for the shape of C++: how long a function is, over how many files a class is spread, whose name is whose."""
import collections

from house import cpp
from house.tree import CPP, is_test

FUNCTION_CAP = 70
CLASS_FILES_CAP = 2

# (path, function) -> (lines, why). The number follows the function down and never up; one that fits under the
# cap leaves the table.
LONG_FUNCTIONS = {
    ("server/store/sqlite/migration_test.cc", "MigrationTest.Version1ComesWithAllItHolds"):
        (91, "not yet split by subject"),
}
# class -> (files, why), in the same way.
WIDE_CLASSES = {
    "latchwire::memory::Tables": (7, "not yet split by subject"),
    "latchwire::sqlite::Transaction": (11, "not yet split by subject"),
}


def _against(found, exempt, cap, table, unit):
    """What breaks a cap, or the table of those that may: found is {key: (number, where, what)}."""
    bad = []
    for key, (number, where, what) in found.items():
        recorded, reason = exempt.get(key, (cap, "no reason needed"))
        if number > recorded:
            bad.append(f"{where}: {what} has {number} {unit}, the cap is {recorded}")
        elif key in exempt and number <= cap:
            bad.append(f"{where}: {what} fits under the cap now, take it out of {table}")
        elif key in exempt and number < recorded:
            bad.append(f"{where}: lower the number of {what} in {table} to {number}")
        if not reason:
            bad.append(f"{where}: {what} needs a reason in {table}")
    return bad + [f"{key}: in {table}, but gone" for key in exempt if key not in found]


def check_function_length(files, exempt=None):
    """A function, with its signature, has at most 70 lines."""
    found = {}
    for path, text in files.items():
        if path.endswith(CPP):
            for one in cpp.read(text).functions:
                lines = one.last - one.first + 1
                name = f"{one.scope}::{one.name}" if one.scope else one.name
                if name in ("TEST", "TEST_F", "TEST_P"):
                    name = one.head.split("(", 1)[1].split(")", 1)[0].replace(", ", ".")
                key = (path, name)
                if key not in found or found[key][0] < lines:
                    found[key] = (lines, f"{path}:{one.first}", name)
    return _against(found, LONG_FUNCTIONS if exempt is None else exempt, FUNCTION_CAP, "LONG_FUNCTIONS", "lines")


def check_class_files(files, exempt=None):
    """The functions of a class are defined in at most two .cc: one that needs more is more than one class."""
    places = collections.defaultdict(set)
    for path, text in files.items():
        if path.endswith(".cc") and not is_test(path):
            for one in cpp.read(text).functions:
                if one.scope:
                    places["::".join([*filter(None, one.namespaces), one.scope])].add(path)
    found = {name: (len(paths), min(paths), name) for name, paths in places.items()}
    return _against(found, WIDE_CLASSES if exempt is None else exempt, CLASS_FILES_CAP, "WIDE_CLASSES", "files")


def check_class_names(files):
    """No two classes of one namespace have one name; of an anonymous namespace, in one file."""
    places = collections.defaultdict(list)
    for path, text in files.items():
        if path.endswith(CPP) and not is_test(path):
            for one in cpp.read(text).classes:
                of_file = path if "" in one.namespaces else ""
                places[one.namespaces, of_file, one.name].append(f"{path}:{one.line}")
    return [f"{where[-1]}: class {name} is also at {', '.join(where[:-1])}"
            for (_, _, name), where in places.items() if len(where) > 1]
