"""docs/pictures.md shows what the code has: states, messages, tables and columns that exist, and none is forgotten."""

import re

from e2e.process import ROOT

TEXT = (ROOT / "docs/pictures.md").read_text()


def picture(text, heading):
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(r"```mermaid\n(.*?)```", section, re.S).group(1)


def states_shown(text):
    arrows = re.findall(r"^ *(\S+) --> ([^:\n]+)", picture(text, "The states of a delivery"), re.M)
    return {state.strip() for arrow in arrows for state in arrow} - {"[*]"}


def test_every_state_of_a_delivery_is_drawn():
    proto = (ROOT / "protos/latchwire/v1/delivery.proto").read_text()
    states = set(re.findall(r"^ *STATE_(\w+) = ", proto, re.M)) - {"UNSPECIFIED"}
    assert states_shown(TEXT) == states
    assert states_shown(TEXT.replace("EXPIRED", "LATE")) != states


def test_every_message_of_the_agents_stream_is_drawn():
    proto = (ROOT / "protos/latchwire/agent/v1/ingest_service.proto").read_text()
    messages = {kind for body in re.findall(r"oneof message \{(.*?)\n  \}", proto, re.S)
                for kind in re.findall(r"^ *(\w+) \w+ = ", body, re.M)}
    shown = set(re.findall(r">>\w+: (\w+) \(", picture(TEXT, "An agent's stream")))
    assert len(messages) == 5 and shown == messages


def schema():
    """{table: columns} of all steps of the migrations."""
    text = (ROOT / "server/store/sqlite/migrations.cc").read_text()
    tables = {}
    for name, body in re.findall(r"CREATE TABLE (\w+)\((.*?)\n?\)(?: WITHOUT ROWID)?;", text, re.S):
        tables[name] = set(re.findall(r"(?:^|\n)\s*(\w+)", body))
    for name, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", text):
        tables[name].add(column)
    return tables


def test_the_tables_and_columns_that_are_drawn_exist():
    tables = schema()
    drawn = picture(TEXT, "The rows of one event")
    for one, other in re.findall(r"^ *(\w+) \S+--\S+ (\w+) :", drawn, re.M):
        assert one in tables and other in tables
    entities = re.findall(r"^ *(\w+) \{\n(.*?)^ *\}", drawn, re.S | re.M)
    assert len(entities) >= 5
    for table, body in entities:
        columns = set(re.findall(r"^ *\w+ (\w+)", body, re.M))
        assert columns <= tables[table], (table, columns - tables[table])
