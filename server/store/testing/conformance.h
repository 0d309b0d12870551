// The one suite that every driver of the store passes: what store.h and mutations/ promise.
//
// A driver's own test links the suite as a whole archive and says
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest, OnEveryHandle(&MakeMemoryDatabase));
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/store.h"

namespace latchwire {

// A database that outlives the handles on it.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual std::unique_ptr<Store> Open() = 0;
};

using TestDatabaseFactory = std::unique_ptr<TestDatabase> (*)();

// Which handle on the database does what. Every promise holds in either way.
enum class Handles {
  kOne,        // one writes and reads
  kAlternate,  // one writes, another reads
};

struct ConformanceParameters {
  TestDatabaseFactory make;
  Handles handles = Handles::kOne;
};

inline auto OnEveryHandle(TestDatabaseFactory make) {
  return testing::Values(ConformanceParameters{make, Handles::kOne},
                         ConformanceParameters{make, Handles::kAlternate});
}

// Describes one event for the helpers of the fixture.
struct EventSpec {
  std::string id;  // empty: a fresh UUID
  std::string type = "door.opened";
  std::string source = "panel-1";
  std::string subject = "door-1";
  std::string data = R"({"n":1.00})";
};

// Several mutations in one Write, which must succeed as a whole.
std::vector<MutationResult> WriteTo(Store& store, const std::vector<Mutation>& mutations);

// What a mutation came to; the result is empty when it failed.
template <typename M>
struct Applied : M::Result {
  absl::Status status;
};
// One mutation in a Write of its own, which must succeed as a whole.
template <typename M>
Applied<M> ApplyTo(Store& store, const M& mutation) {
  const std::vector<MutationResult> results = WriteTo(store, {mutation});
  Applied<M> applied;
  applied.status = results[0].status();
  if (applied.status.ok()) static_cast<typename M::Result&>(applied) = ResultOf<M>(results[0]);
  return applied;
}

class StoreConformanceTest : public testing::TestWithParam<ConformanceParameters> {
 protected:
  StoreConformanceTest() : database_(GetParam().make()) { Reopen(); }

  // The handle that reads, and the one that writes.
  Store& store() { return reader_ == nullptr ? *writer_ : *reader_; }
  Store& writer() { return *writer_; }
  std::unique_ptr<Store> OpenAnother() { return database_->Open(); }
  void Reopen() {
    writer_.reset();
    reader_.reset();
    writer_ = database_->Open();
    if (GetParam().handles == Handles::kAlternate) reader_ = database_->Open();
  }

  // See ApplyTo and WriteTo.
  template <typename M>
  Applied<M> Apply(const M& mutation) {
    return ApplyTo(*writer_, mutation);
  }
  std::vector<MutationResult> WriteAll(const std::vector<Mutation>& mutations) {
    return WriteTo(*writer_, mutations);
  }

  int64_t GenerationOf(TenantId tenant);
  // A webhook that exists; tests name it by its key.
  WebhookKey MakeWebhook(WebhookOrdering ordering = WebhookOrdering::kNone,
                         TenantId tenant = kDefaultTenant);
  Webhook SampleWebhook(TenantId tenant);  // with every field set to something of its own

  std::shared_ptr<Event> MakeEvent(const EventSpec& spec = {});
  // A publisher's append of these events to these webhooks, not yet written.
  AppendPublished Publishing(const std::vector<EventSpec>& specs,
                             const std::vector<WebhookKey>& webhooks = {},
                             TenantId tenant = kDefaultTenant);
  // The same, written; gives the numbers.
  std::vector<int64_t> Publish(const std::vector<EventSpec>& specs,
                               const std::vector<WebhookKey>& webhooks = {},
                               TenantId tenant = kDefaultTenant);
  int64_t PublishOne(const EventSpec& spec, const std::vector<WebhookKey>& webhooks) {
    return Publish({spec}, webhooks).at(0);
  }
  // An append of an agent's events with these sequences, with checksum = sequence * 10.
  AppendFromAgent Streaming(const AgentStream& stream, int lane,
                            const std::vector<uint64_t>& sequences);
  AgentStream OpenStream(const std::string& agent, uint64_t epoch);

  // Leases on all partitions, taken by the first call.
  int64_t FenceOf(WebhookKey webhook);
  DeliveryOutcome OutcomeOf(DeliveryKey key, int attempt, DeliveryState state,
                            absl::Duration until_due = absl::ZeroDuration());
  RecordOutcomes::Recorded Record(const DeliveryOutcome& outcome);

  Delivery DeliveryAt(DeliveryKey key);  // fails the test when there is none
  std::vector<int64_t> DueNumbers(WebhookKey webhook, int limit = 100);

  const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
  absl::Time now_ = kNow;

 private:
  const std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Store> writer_;
  std::unique_ptr<Store> reader_;  // null: the writer
  int made_ids_ = 0;
  std::array<int64_t, kPartitionCount> fences_{};
};

// `ReasonOf(status)` of an error, for EXPECT_EQ.
MATCHER_P(HasReason, reason, "") { return !arg.ok() && ReasonOf(arg) == reason; }

// Everything of a value as text, so that a comparison shows what differs.
std::string Describe(const Event& event);
std::string Describe(const Webhook& webhook);
std::string Describe(const Delivery& delivery);
std::string Describe(const Attempt& attempt);
std::string Describe(const ApiKey& key);
std::string Describe(const Tenant& tenant);
std::string Describe(const RecoveryJob& job);

}  // namespace latchwire
