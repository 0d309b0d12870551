// An ingest server in simulated time, for tests of the uplink.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/testing/simulated_world.h"
#include "edge-agent/uplink/ingest_stream.h"

namespace latchwire::edge {

// A server as the protocol describes it, and a network that may break at any message.
class FakeIngestServer : public IngestConnector {
 public:
  FakeIngestServer(SimulatedExecutor* executor, Random* random)
      : executor_(executor), random_(random) {}

  class Stream : public IngestStream, public std::enable_shared_from_this<Stream> {
   public:
    Stream(FakeIngestServer* server, Callbacks callbacks)
        : server_(server), callbacks_(std::move(callbacks)) {}
    void Write(agent::v1::ConnectRequest request) override {
      EXPECT_FALSE(writing_) << "one write at a time";
      if (done_) return;
      writing_ = true;
      server_->executor_->PostAfter(server_->latency, [self = shared_from_this(), request] {
        self->writing_ = false;
        if (self->done_) return;
        self->callbacks_.on_written();
        if (!self->done_) self->server_->Receive(self, request);
      });
    }
    void FinishWrites() override { End(absl::OkStatus()); }
    void Cancel() override { End(absl::CancelledError("cancelled")); }
    void End(absl::Status status) {
      if (std::exchange(done_, true)) return;
      server_->executor_->Post(
          [self = shared_from_this(), status] { self->callbacks_.on_done(status); });
    }
    void Send(agent::v1::ConnectResponse response) {
      server_->executor_->PostAfter(server_->latency, [self = shared_from_this(), response] {
        if (!self->done_) self->callbacks_.on_message(response);
      });
    }

    uint64_t epoch = 0;

   private:
    FakeIngestServer* const server_;
    Callbacks callbacks_;
    bool writing_ = false;
    bool done_ = false;
  };

  std::shared_ptr<IngestStream> Connect(IngestStream::Callbacks callbacks) override {
    auto stream = std::make_shared<Stream>(this, std::move(callbacks));
    if (current) current->End(absl::AbortedError("fenced"));
    current = stream;
    if (down) stream->End(absl::UnavailableError("connection refused"));
    return stream;
  }

  void Receive(const std::shared_ptr<Stream>& stream, const agent::v1::ConnectRequest& request) {
    ++messages;
    if (random_->NextUnit() < break_before) return stream->End(absl::UnavailableError("broken"));
    if (silent) return;
    if (request.has_hello()) {
      hellos.push_back(request.hello());
      stream->epoch = request.hello().epoch();
      agent::v1::ConnectResponse response;
      auto* welcome = response.mutable_welcome();
      welcome->set_max_batch_events(batch_events);
      welcome->set_max_batch_bytes(10'000);
      welcome->set_max_unacked_events(window);
      for (const auto& range : request.hello().ranges()) {
        auto* cursor = welcome->add_cursors();
        cursor->set_lane(range.lane());
        cursor->set_through(cursors[{stream->epoch, range.lane()}]);
      }
      return stream->Send(response);
    }
    const int lane = request.has_events() ? request.events().lane() : request.dropped().lane();
    uint64_t& cursor = cursors[{stream->epoch, lane}];
    agent::v1::Ack ack;
    ack.set_lane(lane);
    if (request.has_dropped()) {
      EXPECT_EQ(request.dropped().from(), cursor + 1);
      cursor = request.dropped().to();
      dropped += request.dropped().to() - request.dropped().from() + 1;
    }
    if (busy && request.has_events()) {
      ack.mutable_retry_after()->set_seconds(2);
    } else {
      EXPECT_LE(request.events().events_size(), batch_events);
      order.push_back(lane);
      for (const auto& event : request.events().events()) {
        if (event.sequence() <= cursor) continue;
        if (event.sequence() != cursor + 1) break;  // what followed a refused batch
        cursor = event.sequence();
        if (rejects.contains(event.event().type())) {
          auto* rejected = ack.add_rejected();
          rejected->set_sequence(event.sequence());
          rejected->set_reason(reject_reason);
          continue;
        }
        arrived.push_back(event.event().id());
      }
    }
    ack.set_through(cursor);
    if (random_->NextUnit() < break_after) return stream->End(absl::UnavailableError("broken"));
    agent::v1::ConnectResponse response;
    *response.mutable_ack() = ack;
    if (!hold_acks) stream->Send(response);
  }

  absl::Duration latency = absl::Milliseconds(5);
  bool down = false, busy = false, silent = false, hold_acks = false;
  double break_before = 0, break_after = 0;
  int batch_events = 4, window = 16;
  std::set<std::string> rejects;
  std::string reject_reason = "FIELD_INVALID";
  std::shared_ptr<Stream> current;
  std::vector<agent::v1::Hello> hellos;
  std::map<std::pair<uint64_t, int>, uint64_t> cursors;
  std::vector<std::string> arrived;
  std::vector<int> order;
  uint64_t dropped = 0;
  int messages = 0;

 private:
  SimulatedExecutor* const executor_;
  Random* const random_;
};

}  // namespace latchwire::edge
