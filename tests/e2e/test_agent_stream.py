"""The agent's stream as the server sees it: cursors, repeats, gaps, conflicts, refusals, fencing."""

import queue
import uuid

import grpc
import pytest

import latchwire
from latchwire import ApiKey
from latchwire.agent.v1 import ingest_service_pb2 as pb
from latchwire.agent.v1 import ingest_service_pb2_grpc

EPOCH = 0x1234_5678_9ABC_DEF0


def spooled(sequence, json="{}", checksum=None, **fields):
    name = f"{sequence} {fields.pop('id', '')}"  # the same event has the same id whenever it is sent
    id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
    event = latchwire.Event(id=id, type="door.opened", json=json, **fields)
    event.receive_time.GetCurrentTime()
    return pb.SpooledEvent(
        sequence=sequence, checksum=sequence if checksum is None else checksum, event=event
    )


class Stream:
    """One stream of agent-1, driven by hand."""

    def __init__(self, address, key, epoch=EPOCH, ranges=(), version="0.1.0"):
        self._requests = queue.Queue()
        self._channel = grpc.insecure_channel(address, (("grpc.use_local_subchannel_pool", 1),))
        stub = ingest_service_pb2_grpc.IngestServiceStub(self._channel)
        self._answers = stub.Connect(
            iter(self._requests.get, None), metadata=(("authorization", f"Bearer {key}"),), timeout=60
        )
        hello = pb.Hello(agent="agent-1", version=version, epoch=epoch, ranges=ranges)
        self._requests.put(pb.ConnectRequest(hello=hello))
        self.welcome = next(self._answers).welcome

    def send(self, *events, lane=0):
        self._requests.put(pb.ConnectRequest(events=pb.EventBatch(lane=lane, events=events)))

    def drop(self, first, last, lane=0):
        dropped = pb.Dropped(lane=lane, to=last, reason="spool full")
        setattr(dropped, "from", first)
        self._requests.put(pb.ConnectRequest(dropped=dropped))

    def ack(self, through, lane=0):
        """The rejected of all acks up to `through`."""
        rejected = []
        for answer in self._answers:
            assert answer.ack.lane == lane
            rejected += answer.ack.rejected
            if answer.ack.through >= through:
                assert answer.ack.through == through
                return rejected
        raise AssertionError("the stream ended")

    def error(self):
        with pytest.raises(grpc.RpcError) as caught:
            for _ in self._answers:
                pass
        return latchwire.Error.from_rpc_error(caught.value)

    def close(self):
        self._requests.put(None)
        self._channel.close()


@pytest.fixture
def connect(server):
    key = server.client().create_api_key(ApiKey.ROLE_AGENT, agent="agent-1").token
    streams = []

    def make(**options):
        streams.append(Stream(server.address, key, **options))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()


def numbers(client):
    return sorted(event.number for event in client.list_events(page_size=1000))


def test_events_are_stored_before_the_ack_and_once_however_often_they_are_sent(connect, client):
    stream = connect()
    assert stream.welcome.server_version and stream.welcome.max_batch_events >= 1
    stream.send(spooled(1), spooled(2))
    assert stream.ack(2) == []
    assert numbers(client) == [1, 2]
    stream.close()

    ranges = [pb.LaneRange(lane=0, first=1, last=3)]
    stream = connect(ranges=ranges)
    assert [(c.lane, c.through) for c in stream.welcome.cursors] == [(0, 2)]
    stream.send(spooled(1), spooled(2), spooled(3))
    stream.ack(3)
    assert numbers(client) == [1, 2, 3]


def test_an_agent_cannot_forge_a_line_of_the_log(connect, server):
    connect(version='1.0"\ntime=2026-01-01T00:00:00.000Z level=error msg="forged')
    line = server.process.wait_for_line("agent connected").string
    assert line.endswith(r'version="1.0\"\ntime=2026-01-01T00:00:00.000Z level=error msg=\"forged"')
    assert not any(line.startswith("time=2026-01-01") for line in server.process.output.splitlines())


def test_a_gap_is_an_error_unless_it_is_declared(connect, client):
    stream = connect()
    stream.send(spooled(1))
    stream.ack(1)
    stream.send(spooled(5))
    error = stream.error()
    assert error.reason == "SEQUENCE_GAP" and error.metadata["expected"] == "2"
    stream = connect(ranges=[pb.LaneRange(lane=0, first=5, last=5)])
    stream.drop(2, 4)
    stream.send(spooled(5))
    stream.ack(5)
    assert numbers(client) == [1, 2]


def test_the_same_sequence_with_other_content_is_a_conflict(connect, client):
    stream = connect()
    stream.send(spooled(1, checksum=7))
    stream.ack(1)
    stream.send(spooled(1, json='{"other":1}', checksum=8))
    assert stream.error().reason == "SEQUENCE_CONFLICT"
    assert numbers(client) == [1]


@pytest.mark.parametrize(
    "bad",
    [
        dict(json='"' + "x" * 262143 + '"'),
        dict(json="{"),
        dict(json="{}", source="x" * 201),
        dict(json="{}", attributes={f"a{n}": "" for n in range(65)}),
    ],
    ids=["data too long", "broken JSON", "source too long", "too many attributes"],
)
def test_an_invalid_event_is_rejected_and_the_lane_goes_on(connect, client, bad):
    stream = connect()
    stream.send(spooled(1), spooled(2, **bad), spooled(3))
    (rejected,) = stream.ack(3)
    assert (rejected.sequence, rejected.reason) == (2, "FIELD_INVALID") and rejected.detail
    assert len(numbers(client)) == 2


def test_a_batch_beyond_the_limit_ends_the_stream(connect, client):
    stream = connect()
    count = stream.welcome.max_batch_events + 1
    stream.send(*[spooled(n) for n in range(1, count + 1)])
    assert stream.error().code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    assert numbers(client) == []


def test_a_newer_stream_fences_the_older(connect, client):
    old = connect()
    old.send(spooled(1))
    old.ack(1)
    new = connect(ranges=[pb.LaneRange(lane=0, first=2, last=2)])
    assert old.error().reason == "AGENT_STREAM_FENCED"
    new.send(spooled(2))
    new.ack(2)
    assert numbers(client) == [1, 2]


def test_lanes_are_counted_apart(connect, client):
    stream = connect()
    stream.send(spooled(1, id="low"), lane=0)
    stream.ack(1, lane=0)
    stream.send(spooled(1, id="high", priority=9), lane=3)
    stream.ack(1, lane=3)
    assert numbers(client) == [1, 2]


def test_a_new_epoch_starts_anew(connect, client):
    stream = connect()
    stream.send(spooled(1))
    stream.ack(1)
    stream = connect(epoch=EPOCH + 1)
    assert all(cursor.through == 0 for cursor in stream.welcome.cursors)
    stream.send(spooled(1, id="new"))
    stream.ack(1)
    assert numbers(client) == [1, 2]
