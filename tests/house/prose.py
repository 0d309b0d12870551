"""Rules for Markdown."""
import re

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_CODE = re.compile(r"(`+).*?\1")
_RULE = re.compile(r"^\|(?:\s*:?-+:?\s*\|)+\s*$")


def _cells(row):
    return len(re.findall(r"(?<!\\)\|", _CODE.sub("", row.rstrip()))) - 1


def _tables(text):
    """Lists of (line, row): lines that begin with `|`, outside of code."""
    tables, fenced, open_table = [], False, False
    for number, row in enumerate(text.split("\n"), start=1):
        if _FENCE.match(row):
            fenced = not fenced
        is_row = not fenced and row.startswith("|")
        if is_row and open_table:
            tables[-1].append((number, row))
        elif is_row:
            tables.append([(number, row)])
        open_table = is_row
    return tables


def check_tables(files):
    """A table has a head, a line under it, and as many cells in each row; an empty line would end it early."""
    bad = []
    for path, text in files.items():
        if not path.endswith(".md"):
            continue
        for table in _tables(text):
            first, head = table[0]
            if len(table) < 2 or not _RULE.match(table[1][1]):
                bad.append(f"{path}:{first}: a row outside of a table")
                continue
            bad += [f"{path}:{number}: {_cells(row)} cells in a table of {_cells(head)}"
                    for number, row in table if _cells(row) != _cells(head) or not row.rstrip().endswith("|")]
    return bad
