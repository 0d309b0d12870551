// A load generator that speaks the agent's protocol, without a spool: sends EVENTS events of 1 KiB
// in batches as fast as the server's window lets it, and ends when all are acked. usage:
// bench-stream SERVER TOKEN AGENT EVENTS BATCH       prints {"accepted":N,"start_ns":T,"end_ns":T}
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "latchwire/agent/v1/ingest_service.grpc.pb.h"

namespace {

namespace agent = latchwire::agent::v1;

// Only the middle lane is used, as an agent without alarms would.
constexpr int kLane = 1;

int64_t MonotonicNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Fail(const std::string& why) {
  std::fprintf(stderr, "bench-stream: %s\n", why.c_str());
  std::exit(1);
}

// A UUID version 7 in text, unique by its counter.
std::string MakeId(uint64_t milliseconds, uint64_t counter, uint64_t salt) {
  char id[37];
  std::snprintf(id, sizeof(id), "%08x-%04x-7%03x-8%03x-%012llx",
                static_cast<unsigned>(milliseconds >> 16),
                static_cast<unsigned>(milliseconds & 0xffff),
                static_cast<unsigned>(counter >> 36 & 0xfff), static_cast<unsigned>(salt & 0xfff),
                static_cast<unsigned long long>(counter & 0xffffffffffff));
  return id;
}

std::string Payload(uint64_t sequence) {
  std::string data = "{\"n\":" + std::to_string(sequence) + ",\"pad\":\"";
  data.append(1024 - data.size() - 2, 'x');
  return data + "\"}";
}

struct Window {
  std::mutex mutex;
  std::condition_variable moved;
  uint64_t through = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) Fail("usage: bench-stream SERVER TOKEN AGENT EVENTS BATCH");
  const uint64_t events = std::strtoull(argv[4], nullptr, 10);
  const uint64_t batch_size = std::strtoull(argv[5], nullptr, 10);
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
  std::thread reader([&] {
    agent::ConnectResponse response;
    while (stream->Read(&response)) {
      const agent::Ack& ack = response.ack();
      if (ack.rejected_size() > 0 || ack.has_retry_after()) {
        Fail("the server refused events: " + response.ShortDebugString());
      }
      std::lock_guard<std::mutex> lock(window.mutex);
      window.through = ack.through();
      window.moved.notify_one();
      if (window.through >= events) return;
    }
    Fail("the stream broke: " + stream->Finish().error_message());
  });

  const int64_t start_ns = MonotonicNanos();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  agent::ConnectRequest request;
  for (uint64_t next = 1; next <= events;) {
    request.Clear();
    request.mutable_events()->set_lane(kLane);
    for (uint64_t i = 0; i < batch_size && next <= events; ++i, ++next) {
      agent::SpooledEvent* spooled = request.mutable_events()->add_events();
      spooled->set_sequence(next);
      spooled->set_checksum(static_cast<uint32_t>(next));
      auto* event = spooled->mutable_event();
      event->set_id(MakeId(milliseconds, next, 0));
      event->set_type("door.opened");
      event->set_canonical_type("door.opened");
      event->set_source("bench-panel");
      event->set_subject("door-" + std::to_string(next % 100));
      event->mutable_occur_time()->set_seconds(static_cast<int64_t>(milliseconds / 1000));
      event->mutable_receive_time()->set_seconds(static_cast<int64_t>(milliseconds / 1000));
      event->set_json(Payload(next));
    }
    {
      std::unique_lock<std::mutex> lock(window.mutex);
      window.moved.wait(lock, [&] { return next - 1 - window.through <= max_unacked; });
    }
    if (!stream->Write(request)) break;
  }
  reader.join();
  const int64_t end_ns = MonotonicNanos();
  std::printf("{\"accepted\":%llu,\"start_ns\":%lld,\"end_ns\":%lld}\n",
              static_cast<unsigned long long>(events), static_cast<long long>(start_ns),
              static_cast<long long>(end_ns));
  context.TryCancel();
}
