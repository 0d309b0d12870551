// The uplink over real gRPC, against a server in this process.
#include "edge-agent/uplink/grpc_ingest_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/net/asio_executor.h"
#include "edge-agent/spool/testing/fake_file_system.h"
#include "edge-agent/uplink/event_codec.h"
#include "edge-agent/uplink/uplink.h"
#include "latchwire/agent/v1/ingest_service.grpc.pb.h"

namespace latchwire::edge {
namespace {

// Cuts every stream after `events_per_stream` events.
class CuttingServer : public agent::v1::IngestService::Service {
 public:
  explicit CuttingServer(size_t events_per_stream) : events_per_stream_(events_per_stream) {}

  grpc::Status Connect(grpc::ServerContext* context,
                       grpc::ServerReaderWriter<agent::v1::ConnectResponse,
                                                agent::v1::ConnectRequest>* stream) override {
    const auto key = context->client_metadata().find("authorization");
    if (key == context->client_metadata().end() || key->second != "Bearer id.secret") {
      return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no key");
    }
    agent::v1::ConnectRequest request;
    if (!stream->Read(&request) || !request.has_hello()) return grpc::Status::CANCELLED;
    agent::v1::ConnectResponse response;
    auto* welcome = response.mutable_welcome();
    welcome->set_max_batch_events(10);
    welcome->set_max_batch_bytes(1 << 20);
    welcome->set_max_unacked_events(100);
    {
      MutexLock lock(&mutex_);
      for (const auto& range : request.hello().ranges()) {
        auto* cursor = welcome->add_cursors();
        cursor->set_lane(range.lane());
        cursor->set_through(cursors_[range.lane()]);
      }
    }
    stream->Write(response);
    size_t received = 0;
    while (stream->Read(&request)) {
      response.Clear();
      response.mutable_ack()->set_lane(request.events().lane());
      {
        MutexLock lock(&mutex_);
        uint64_t& cursor = cursors_[request.events().lane()];
        for (const auto& event : request.events().events()) {
          ++received;
          if (event.sequence() != cursor + 1) continue;
          cursor = event.sequence();
          ids_.push_back(event.event().id());
          arrival_.NotifyAll();
        }
        response.mutable_ack()->set_through(cursor);
      }
      if (received >= events_per_stream_) {
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut");
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  std::vector<std::string> WaitForEvents(size_t count) {
    MutexLock lock(&mutex_);
    for (int i = 0; i < 300 && ids_.size() < count; ++i) {
      arrival_.WaitFor(&mutex_, std::chrono::milliseconds(100));
    }
    return ids_;
  }

 private:
  const size_t events_per_stream_;
  Mutex mutex_;
  CondVar arrival_;
  std::map<int, uint64_t> cursors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> ids_ ABSL_GUARDED_BY(mutex_);
};

class NoSetAside : public SetAside {
 public:
  absl::Status Add(const SetAsideEvent&) override { return absl::OkStatus(); }
};

TEST(GrpcIngestStreamTest, EveryEventArrivesOnceThoughTheServerKeepsCutting) {
  CuttingServer service(25);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);

  FakeFileSystem disk;
  NoSetAside set_aside;
  AsioExecutor disk_executor{"disk"}, executor{"uplink"};
  disk_executor.Start();
  executor.Start();
  auto spool = Spool::Open({.directory = "spool"}, &disk, &disk_executor, SystemRandom());
  ASSERT_TRUE(spool.ok()) << spool.status();
  const auto connector = MakeGrpcIngestConnector(
      {.server = absl::StrCat("127.0.0.1:", port), .key = "id.secret"}, &executor);
  Uplink uplink({.agent = "gate-1", .version = "0.1.0", .first_backoff = absl::Milliseconds(1)},
                spool->get(), connector.get(), &set_aside, &executor, SystemClock(),
                SystemRandom());
  uplink.Start();
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    Event event;
    event.id = absl::StrCat("e", i);
    event.type = "door.opened";
    event.receive_time = SystemClock()->Now();
    event.data = "{}";
    expected.push_back(event.id);
    (*spool)->Append({{1, EncodeEvent(event)}},
                     [](absl::Status status) { EXPECT_TRUE(status.ok()) << status; });
  }
  EXPECT_EQ(service.WaitForEvents(200), expected);
  EXPECT_GT(uplink.Stats().connects, 5u);

  Mutex mutex;
  CondVar changed;
  bool stopped = false;
  uplink.Stop([&] {
    MutexLock lock(&mutex);
    stopped = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(&mutex);
    while (!stopped) changed.Wait(&mutex);
  }
  server->Shutdown(std::chrono::system_clock::now());
  executor.Stop();
  disk_executor.Stop();
}

}  // namespace
}  // namespace latchwire::edge
