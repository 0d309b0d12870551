// A whole server in this process for tests: real gRPC over loopback, real writer and configuration,
// the store in memory, no delivery.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/domain/api_key.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/api/server.h"
#include "server/api/testing/held_timers.h"
#include "server/ingest/ingest_service.h"
#include "server/state/read_pool.h"
#include "server/state/writer_thread.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {

class TestServer {
 public:
  enum class Stepping {
    kThread,  // as in production
    kByTest,  // writes happen in Step and StepUntilDone only
  };

  explicit TestServer(Stepping stepping = Stepping::kThread, size_t max_queued_reads = 64,
                      Clock* clock = SystemClock())
      : store_(NewMemoryStore(database_)),
        writer_(store_.get(), WriterOptions()),
        reads_(store_.get(), 2, max_queued_reads) {
    EXPECT_TRUE(configuration_.Load(store_.get()).ok());
    EXPECT_TRUE(stats_.Load(store_.get()).ok());
    writer_.AddObserver(&configuration_);
    writer_.AddObserver(&stats_);
    ApiWorld world;
    world.clock = clock;
    world.random = SystemRandom();
    world.writer = &writer_;
    world.reads = &reads_;
    world.configuration = &configuration_;
    world.stats = &stats_;
    world.executor = &timers_;
    world.send_test = [this](std::shared_ptr<const Webhook> webhook,
                             absl::AnyInvocable<void(HttpResult)> done) {
      MutexLock lock(&tests_mutex_);
      tested_.push_back(webhook->id);
      if (hold_tests_) {
        held_tests_.push_back(std::move(done));
      } else {
        done(test_result_);
      }
    };
    api_ = std::make_unique<ApiServer>(world, std::vector<ServiceFactory>{&IngestService::Make});
    const absl::Status started = api_->Start(ApiServerOptions());
    EXPECT_TRUE(started.ok()) << started;
    admin_ = MakeKey(Role::kAdmin);
    if (stepping == Stepping::kThread) writer_thread_.emplace(&writer_);
  }
  ~TestServer() {
    if (!writer_thread_) writer_.Close();
    while (!writer_thread_ && writer_.Step()) {
    }
    api_.reset();
    writer_thread_.reset();
  }

  // A key's token. Before anything else is written, or from the test's own thread in kByTest.
  std::string MakeKey(Role role, std::string agent = "", TenantId tenant = kDefaultTenant) {
    NewApiKey made = MakeApiKey(SystemRandom());
    made.key.tenant = tenant;
    made.key.role = role;
    made.key.agent = std::move(agent);
    made.key.create_time = SystemClock()->Now();
    auto done = std::make_shared<std::promise<absl::Status>>();
    writer_.Submit(CreateApiKey{made.key},
                   [done](const auto& written) { done->set_value(written.result.status()); });
    if (!writer_thread_) writer_.Step();
    const absl::Status status = done->get_future().get();
    EXPECT_TRUE(status.ok()) << status;
    return made.token;
  }
  const std::string& admin() const { return admin_; }

  std::shared_ptr<grpc::Channel> channel() {
    if (channel_ == nullptr) {
      channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(api_->port()),
                                     grpc::InsecureChannelCredentials());
    }
    return channel_;
  }
  template <typename Service>
  std::unique_ptr<typename Service::Stub> Stub() {
    return Service::NewStub(channel());
  }

  // kByTest: waits until a call has queued something, and writes it.
  void Step() {
    writer_.WaitForWork();
    writer_.Step();
  }

  MemoryDatabase& database() { return *database_; }
  Store& store() { return *store_; }
  Writer& writer() { return writer_; }
  Configuration& configuration() { return configuration_; }
  StatsBoard& stats() { return stats_; }
  HeldTimers& timers() { return timers_; }
  ReadPool& reads() { return reads_; }
  ApiServer& api() { return *api_; }
  HttpResult& test_result() { return test_result_; }
  const std::vector<std::string>& tested() const { return tested_; }
  // Test events are answered only later.
  void HoldTests() {
    MutexLock lock(&tests_mutex_);
    hold_tests_ = true;
  }
  size_t held_tests() {
    MutexLock lock(&tests_mutex_);
    return held_tests_.size();
  }
  void AnswerHeldTests() {
    MutexLock lock(&tests_mutex_);
    hold_tests_ = false;
    for (auto& done : held_tests_) done(test_result_);
    held_tests_.clear();
  }

 private:
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_;
  Configuration configuration_;
  StatsBoard stats_;
  HeldTimers timers_;
  Writer writer_;
  ThreadReadPool reads_;
  HttpResult test_result_;
  std::vector<std::string> tested_;
  Mutex tests_mutex_;
  bool hold_tests_ = false;
  std::vector<absl::AnyInvocable<void(HttpResult)>> held_tests_;
  std::unique_ptr<ApiServer> api_;
  std::optional<WriterThread> writer_thread_;
  std::string admin_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A client's context with a key; an empty token sends none.
class KeyContext : public grpc::ClientContext {
 public:
  explicit KeyContext(const std::string& token) {
    if (!token.empty()) AddMetadata("authorization", "Bearer " + token);
    set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }
};

// What a client reads out of an error.
struct ErrorDetails {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  std::optional<google::rpc::RetryInfo> retry;

  std::vector<std::string> fields() const {
    std::vector<std::string> all;
    for (const auto& violation : bad_request.field_violations()) all.push_back(violation.field());
    return all;
  }
};

inline ErrorDetails DetailsOf(const grpc::Status& status) {
  ErrorDetails details;
  google::rpc::Status rpc;
  EXPECT_TRUE(rpc.ParseFromString(status.error_details())) << status.error_message();
  EXPECT_EQ(rpc.code(), status.error_code());
  EXPECT_EQ(rpc.message(), status.error_message());
  for (const auto& any : rpc.details()) {
    google::rpc::RetryInfo retry;
    any.UnpackTo(&details.info) || any.UnpackTo(&details.bad_request);
    if (any.UnpackTo(&retry)) details.retry = retry;
  }
  return details;
}

inline std::string ReasonOf(const grpc::Status& status) {
  if (status.ok()) return "OK";
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.info.domain(), "latchwire.dev");
  return details.info.reason();
}

}  // namespace latchwire
