"""The project's files as the rules see them: paths relative to the root and their text."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CPP = (".cc", ".h")
GENERATED = (".pb.go", ".pb.gw.go", "_grpc.pb.go", "go.sum", "package-lock.json")


def project_files():
    """{path: text} of every text file that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = {}
    for path in filter(None, listed.split("\0")):
        try:
            files[path] = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return files


def is_generated(path):
    return path.endswith(GENERATED)


def is_test(path):
    """Unit tests, what only tests link, and the folder tests/."""
    name = path.rsplit("/", 1)[-1]
    return (path.startswith("tests/") or "/testing/" in path or "/tests/" in path
            or re.search(r"_test\.(cc|go|py)$", name) is not None or name.startswith("test_"))


CPP_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\[^\n]|[^'\\\n])[^'\n]{0,3}'", re.DOTALL)


def cpp_code(text):
    """The text with comments and string literals blanked; line numbers stay."""
    def blank(match):
        return "\n" * match.group().count("\n") or " "
    return CPP_NOISE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
