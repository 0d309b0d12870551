// A load generator that speaks the agent's protocol, without a spool: sends EVENTS events of 1 KiB
// in batches as fast as the server's window lets it, for SECONDS at most (0: no limit), and ends
// when all that it sent is acked.
//
//   bench-stream SERVER TOKEN AGENT EVENTS BATCH [SECONDS] [TYPE] [BYTES]
//
// Prints {"accepted":N,"start_ns":T,"end_ns":T}, in CLOCK_MONOTONIC nanoseconds.
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "latchwire/agent/v1/ingest_service.grpc.pb.h"
#include "tests/bench/load.h"

namespace latchwire::bench {
namespace {

namespace agent = latchwire::agent::v1;

// Only the middle lane is used, as an agent without alarms would.
constexpr int kLane = 1;

struct Window {
  std::mutex mutex;
  std::condition_variable moved;
  uint64_t through = 0;
  uint64_t last = UINT64_MAX;  // what ends the run when it is acked; known at its end
};

struct Options {
  uint64_t events = 0;
  uint64_t batch = 256;
  double seconds = 0;
  std::string type = "door.opened";
  size_t bytes = 1024;
};

using Stream = grpc::ClientReaderWriter<agent::ConnectRequest, agent::ConnectResponse>;

void ReadAcks(Stream* stream, Window* window) {
  agent::ConnectResponse response;
  while (stream->Read(&response)) {
    const agent::Ack& ack = response.ack();
    if (ack.rejected_size() > 0 || ack.has_retry_after()) {
      Fail("the server refused events: " + response.ShortDebugString());
    }
    std::lock_guard<std::mutex> lock(window->mutex);
    window->through = ack.through();
    window->moved.notify_one();
    if (window->through >= window->last) return;
  }
  Fail("the stream broke: " + stream->Finish().error_message());
}

void FillBatch(const Options& options, uint64_t first, uint64_t count, uint64_t milliseconds,
               agent::ConnectRequest* request) {
  request->Clear();
  request->mutable_events()->set_lane(kLane);
  for (uint64_t sequence = first; sequence < first + count; ++sequence) {
    agent::SpooledEvent* spooled = request->mutable_events()->add_events();
    spooled->set_sequence(sequence);
    spooled->set_checksum(static_cast<uint32_t>(sequence));
    auto* event = spooled->mutable_event();
    event->set_id(MakeV7Id(milliseconds, sequence));
    event->set_type(options.type);
    event->set_canonical_type(options.type);
    event->set_source("bench-panel");
    event->set_subject("door-" + std::to_string(sequence % 100));
    event->mutable_occur_time()->set_seconds(static_cast<int64_t>(milliseconds / 1000));
    event->mutable_receive_time()->set_seconds(static_cast<int64_t>(milliseconds / 1000));
    event->set_json(Payload(sequence, MonotonicNanos(), options.bytes));
  }
}

int Main(int argc, char** argv) {
  if (argc < 6) {
    Fail("usage: bench-stream SERVER TOKEN AGENT EVENTS BATCH [SECONDS] [TYPE] [BYTES]");
  }
  Options options;
  options.events = std::strtoull(argv[4], nullptr, 10);
  options.batch = std::strtoull(argv[5], nullptr, 10);
  if (argc > 6) options.seconds = std::atof(argv[6]);
  if (argc > 7) options.type = argv[7];
  if (argc > 8) options.bytes = std::strtoull(argv[8], nullptr, 10);

  const auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  const auto stub = agent::IngestService::NewStub(channel);
  grpc::ClientContext context;
  context.AddMetadata("authorization", std::string("Bearer ") + argv[2]);
  const auto stream = stub->Connect(&context);

  std::random_device entropy;
  agent::ConnectRequest hello;
  hello.mutable_hello()->set_agent(argv[3]);
  hello.mutable_hello()->set_version("bench");
  hello.mutable_hello()->set_epoch(uint64_t{entropy()} << 32 | entropy());
  auto* range = hello.mutable_hello()->add_ranges();
  range->set_lane(kLane);
  range->set_first(1);
  agent::ConnectResponse answer;
  if (!stream->Write(hello) || !stream->Read(&answer) || !answer.has_welcome()) {
    Fail("no welcome: " + stream->Finish().error_message());
  }
  const auto max_unacked = static_cast<uint64_t>(answer.welcome().max_unacked_events());

  Window window;
  std::thread reader([&] { ReadAcks(stream.get(), &window); });

  const int64_t start_ns = MonotonicNanos();
  const int64_t stop_ns =
      options.seconds > 0 ? start_ns + static_cast<int64_t>(options.seconds * 1e9) : INT64_MAX;
  const uint64_t milliseconds = UnixMillis();
  agent::ConnectRequest request;
  uint64_t next = 1;
  bool last = false;
  while (!last) {
    const uint64_t count = std::min(options.batch, options.events + 1 - next);
    FillBatch(options, next, count, milliseconds, &request);
    next += count;
    last = next > options.events || MonotonicNanos() >= stop_ns;
    {
      std::unique_lock<std::mutex> lock(window.mutex);
      window.moved.wait(lock, [&] { return next - 1 - window.through <= max_unacked; });
      if (last) window.last = next - 1;  // before it is sent, so that its ack ends the reader
    }
    if (!stream->Write(request)) break;
  }
  reader.join();
  const int64_t end_ns = MonotonicNanos();
  std::printf("{\"accepted\":%llu,\"start_ns\":%lld,\"end_ns\":%lld}\n",
              static_cast<unsigned long long>(next - 1), static_cast<long long>(start_ns),
              static_cast<long long>(end_ns));
  context.TryCancel();
  return 0;
}

}  // namespace
}  // namespace latchwire::bench

int main(int argc, char** argv) { return latchwire::bench::Main(argc, argv); }
