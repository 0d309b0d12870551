"""Rules for commits, from the one on that brought this file."""
import subprocess

from house.tree import ROOT

SUBJECT_CAP = 72
LOOKED_AT = 200  # commits at most


def _git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def subjects():
    """[(commit, subject)] of the commits that the rules are about; none without git."""
    began = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", "tests/house/history.py").strip()
    if not began:
        return []
    log = _git("log", "--no-merges", f"--max-count={LOOKED_AT}", "--format=%h%x09%s", f"{began}..HEAD")
    return [tuple(line.split("\t", 1)) for line in log.splitlines()]


def check_subjects(commits):
    """A subject fits into every tool's list of commits, begins with a capital and has no full stop."""
    bad = []
    for commit, subject in commits:
        if len(subject) > SUBJECT_CAP:
            bad.append(f"{commit}: {len(subject)} characters, the cap is {SUBJECT_CAP}: {subject}")
        if not subject[:1].isupper() or subject.endswith("."):
            bad.append(f"{commit}: begins with a capital and ends without a full stop: {subject}")
    return bad
