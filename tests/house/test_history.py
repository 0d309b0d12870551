from house import history


def test_project_keeps_subjects_short():
    bad = history.check_subjects(history.subjects())
    assert not bad, "\n" + "\n".join(bad)


def test_rule_catches():
    fine = [("a", "Keep a door open"), ("b", "X" * 72)]
    assert history.check_subjects(fine) == []
    for subject in ("X" * 73, "keep a door open", "Keep a door open."):
        assert len(history.check_subjects([("c", subject)])) == 1, subject
