"""A rough reading of C++ as clang-format leaves it: which functions and classes a file defines and declares.

It knows braces, not types. A body's brace has a space before it and an initialiser's has none, which is how
the formatter writes them.
"""
import collections
import functools
import re

from house.tree import cpp_code, line_of

# scope: the classes around or before the name, as in `Engine::Load`; namespaces: those around it, "" for an
# anonymous one.
Definition = collections.namedtuple("Definition", "name scope namespaces head first last")
Class = collections.namedtuple("Class", "name namespaces line")
Declaration = collections.namedtuple("Declaration", "name head line")
Reading = collections.namedtuple("Reading", "functions classes declarations")

_MARK = re.compile(r"[{};()]|[^\S\n]*\n")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_ACCESS = re.compile(r"^\s*(?:public|protected|private)\s*:")
_CLASS = re.compile(r"\b(?:class|struct|union)\s+(?:alignas\([^)]*\)\s*|ABSL_\w+(?:\([^)]*\))?\s*)*([A-Za-z_]\w*)"
                    r"\s*(?:final\s*)?(?::(?!:)[^;]*)?$", re.DOTALL)
_NAMESPACE = re.compile(r"\bnamespace\s*([\w:]*)\s*$")
_NAME = re.compile(r"((?:[A-Za-z_]\w*(?:<[^<>()]*>)?::)*)(~?[A-Za-z_]\w*|operator\s*[^\s\w(]+|operator\s*\(\))\s*$")
_NOT_A_NAME = {"if", "for", "while", "switch", "return", "sizeof", "alignas", "decltype", "noexcept", "static_assert",
               "ABSL_GUARDED_BY", "ABSL_LOCKS_EXCLUDED", "ABSL_EXCLUSIVE_LOCKS_REQUIRED", "defined"}


def _name_of(head):
    """(scope, name) of the function that a head declares, or None."""
    depth = 0
    for at, char in enumerate(head):
        if char == "<":
            depth += 1
        elif char == ">":
            depth -= 1
        elif char == "(" and depth <= 0:
            match = _NAME.search(head[:at])
            if not match or match.group(2) in _NOT_A_NAME:
                return None
            scope = re.sub(r"<[^<>()]*>", "", match.group(1)).removesuffix("::")
            return scope, match.group(2)
    return None


class _Reader:
    def __init__(self, text):
        self.code = _DIRECTIVE.sub(lambda m: "\n" * m.group().count("\n"), cpp_code(text))
        self.reading = Reading([], [], [])
        self.stack = []  # (kind, name, where its head begins)
        self.head = 0    # where the statement begins
        self.parens = 0

    def run(self):
        for mark in _MARK.finditer(self.code):
            char = mark.group()
            if char == "(":
                self.parens += 1
            elif char == ")":
                self.parens -= 1
            elif char == "{":
                self.open(mark.start())
            elif char == "}":
                self.close(mark.start())
            elif char == ";" and self.parens == 0:
                self.statement(mark.start())
                self.head = mark.end()
        return self.reading

    def in_code(self):
        return any(kind == "code" for kind, _, _ in self.stack)

    def open(self, at):
        head = _ACCESS.sub("", self.code[self.head:at])
        if self.in_code() or self.parens > 0:
            self.stack.append(("code" if self.in_code() else "init", "", self.head))
            return
        kind, name = self.kind_of(head, at)
        if kind == "class":
            if not any(k == "class" for k, _, _ in self.stack):
                line = line_of(self.code, at)
                self.reading.classes.append(Class(name, self.around("namespace"), line))
        if kind == "code" and name is None:
            kind = "init"
        self.stack.append((kind, name, self.head))
        if kind in ("namespace", "class"):
            self.head = at + 1

    def kind_of(self, head, at):
        namespace = _NAMESPACE.search(head)
        if namespace:
            return "namespace", namespace.group(1)
        if re.search(r"\benum\b", head) and "(" not in head:
            return "init", None
        stripped = re.sub(r"^\s*template\s*<(?:[^<>]|<[^<>]*>)*>", "", head)
        a_class = _CLASS.search(stripped)
        if a_class and "(" not in stripped.split(a_class.group(1), 1)[0].replace("alignas(", ""):
            return "class", a_class.group(1)
        if not self.code[at - 1].isspace() or re.search(r"=\s*$", head) or "(" not in head:
            return "init", None
        return "code", _name_of(stripped)

    def close(self, at):
        if not self.stack:
            return
        kind, name, begin = self.stack.pop()
        if kind == "init":
            return  # the statement goes on
        if kind == "code" and not self.in_code() and self.parens == 0:
            access = _ACCESS.match(self.code[begin:at])
            begin += access.end() if access else 0
            head = self.code[begin:at]
            first = line_of(self.code, begin + len(head) - len(head.lstrip()))
            own, function = name
            scope = "::".join(filter(None, [*self.around("class"), own]))
            # `head` ends where the body begins: at the first brace, or in the list of a constructor.
            self.reading.functions.append(Definition(
                function, scope, self.around("namespace"), head.split("{", 1)[0], first, line_of(self.code, at)))
            self.head = at + 1
        elif kind in ("namespace", "class"):
            self.head = at + 1

    def around(self, wanted):
        return tuple(name for kind, name, _ in self.stack if kind == wanted)

    def statement(self, at):
        if self.in_code() or any(kind == "init" for kind, _, _ in self.stack):
            return
        head = _ACCESS.sub("", self.code[self.head:at])
        if re.search(r"^\s*(?:using|typedef|friend|static_assert|extern|namespace)\b", head):
            return
        before = head.split("(", 1)[0]
        if "=" in before.replace("operator==", "").replace("operator=", ""):
            return
        name = _name_of(re.sub(r"^\s*template\s*<(?:[^<>]|<[^<>]*>)*>", "", head))
        if name:
            begin = self.head + len(self.code[self.head:at]) - len(self.code[self.head:at].lstrip())
            self.reading.declarations.append(Declaration(name[1], head, line_of(self.code, begin)))


@functools.lru_cache(maxsize=None)
def read(text):
    return _Reader(text).run()
