// An agent's end of a stream, driven by hand.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/id.h"
#include "latchwire/agent/v1/ingest_service.grpc.pb.h"
#include "server/api/testing/test_server.h"

namespace latchwire {

inline constexpr uint64_t kEpoch = 0x1234567890abcdef;

inline agent::v1::SpooledEvent Spooled(uint64_t sequence, const std::string& json = "{}") {
  agent::v1::SpooledEvent spooled;
  spooled.set_sequence(sequence);
  spooled.set_checksum(static_cast<uint32_t>(sequence));
  v1::Event* event = spooled.mutable_event();
  event->set_id(Uuid::MakeV7(SystemClock()->Now(), SystemRandom()).ToString());
  event->set_type("door.opened");
  event->set_source("panel-1");
  event->set_json(json);
  event->mutable_receive_time()->set_seconds(1'700'000'000);
  return spooled;
}

class TestAgent {
 public:
  TestAgent(TestServer* server, const std::string& token) : context_(token) {
    stub_ = server->Stub<agent::v1::IngestService>();
    stream_ = stub_->Connect(&context_);
  }
  ~TestAgent() { context_.TryCancel(); }

  void Hello(const std::string& agent, uint64_t epoch = kEpoch, std::vector<int> lanes = {0}) {
    agent::v1::ConnectRequest request;
    request.mutable_hello()->set_agent(agent);
    request.mutable_hello()->set_epoch(epoch);
    for (const int lane : lanes) request.mutable_hello()->add_ranges()->set_lane(lane);
    stream_->Write(request);
  }
  // Hello and welcome.
  agent::v1::Welcome Open(const std::string& agent, uint64_t epoch = kEpoch,
                          std::vector<int> lanes = {0}) {
    Hello(agent, epoch, std::move(lanes));
    agent::v1::ConnectResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.message_case(), agent::v1::ConnectResponse::kWelcome);
    return response.welcome();
  }
  void Send(const agent::v1::ConnectRequest& request) { stream_->Write(request); }
  void SendEvents(std::vector<agent::v1::SpooledEvent> events, int lane = 0) {
    agent::v1::ConnectRequest request;
    request.mutable_events()->set_lane(lane);
    for (auto& event : events) *request.mutable_events()->add_events() = std::move(event);
    stream_->Write(request);
  }
  void SendRun(uint64_t first, uint64_t last, int lane = 0) {
    std::vector<agent::v1::SpooledEvent> events;
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      events.push_back(Spooled(sequence));
    }
    SendEvents(std::move(events), lane);
  }
  void SendDropped(uint64_t from, uint64_t to, int lane = 0) {
    agent::v1::ConnectRequest request;
    request.mutable_dropped()->set_lane(lane);
    request.mutable_dropped()->set_from(from);
    request.mutable_dropped()->set_to(to);
    request.mutable_dropped()->set_reason("spool full");
    stream_->Write(request);
  }
  agent::v1::Ack NextAck() {
    agent::v1::ConnectResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.message_case(), agent::v1::ConnectResponse::kAck);
    return response.ack();
  }
  // Reads until `through` is acked; the rejected sequences on the way.
  std::vector<uint64_t> AckedThrough(uint64_t through, int lane = 0) {
    std::vector<uint64_t> rejected;
    for (;;) {
      agent::v1::ConnectResponse response;
      if (!stream_->Read(&response)) {
        ADD_FAILURE() << stream_->Finish().error_message();
        return rejected;
      }
      EXPECT_EQ(response.ack().lane(), lane);
      for (const auto& one : response.ack().rejected()) rejected.push_back(one.sequence());
      if (response.ack().through() >= through) {
        EXPECT_EQ(response.ack().through(), through);
        return rejected;
      }
    }
  }
  grpc::Status Finish() {
    agent::v1::ConnectResponse response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }
  void WritesDone() { stream_->WritesDone(); }

 private:
  KeyContext context_;
  std::unique_ptr<agent::v1::IngestService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<agent::v1::ConnectRequest, agent::v1::ConnectResponse>>
      stream_;
};

}  // namespace latchwire
