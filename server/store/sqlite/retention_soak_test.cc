// Constant load for many retention periods: the file levels off, since what is deleted makes room
// for what comes.
#include <filesystem>

#include "absl/strings/str_format.h"
#include "core/base/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

// Simulated time goes in ticks of a quarter of a day, since ids are kept for 8 days whatever the
// retention is: that, too, must be over before anything can level off.
constexpr absl::Duration kTick = absl::Hours(6);
constexpr int kTicks = 96;
constexpr int kEventsPerTick = 150;
constexpr int kRetentionTicks = 4;
constexpr int kHeldTicks = 6;
constexpr int kSlowTicks = 7;  // after which the slow webhook answers, when it does

class RetentionSoakTest : public testing::Test {
 protected:
  RetentionSoakTest() {
    SqliteOptions options;
    options.path = path_;
    options.unsafe_without_sync = true;
    auto store = OpenSqliteStore(options);
    EXPECT_EQ(store.status(), absl::OkStatus());
    store_ = *std::move(store);
    for (const char* id : {"fast", "slow"}) {
      CreateWebhook create;
      create.webhook.key.tenant = kDefaultTenant;
      create.webhook.id = id;
      Write(create);
    }
    AcquireLeases acquire;
    acquire.owner = "test";
    acquire.now = now_;
    acquire.duration = absl::Hours(24 * 365);
    fences_ = Write(acquire).fences;
  }

  template <typename M>
  typename M::Result Write(const M& mutation) {
    const auto result = WriteOne(*store_, mutation);
    EXPECT_EQ(result.status(), absl::OkStatus());
    return *result;
  }
  static bool IsForSlow(int64_t number) { return number % 10 == 0; }

  // One tick's events, all delivered to the fast webhook at once.
  void Load() {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = 2;
    append.now = now_;
    for (int i = 0; i < kEventsPerTick; ++i) {
      NewEvent& incoming = append.events.emplace_back();
      incoming.event = std::make_shared<Event>();
      incoming.event->id = absl::StrFormat("0190a000-0000-7000-8000-%012d", ++events_);
      incoming.event->type = "door.opened";
      incoming.event->receive_time = now_;
      incoming.event->data = std::string(800 + 40 * (i % 20), 'x');
      incoming.targets.push_back({1, "", absl::InfiniteFuture()});
      if (IsForSlow(events_)) incoming.targets.push_back({2, "", absl::InfiniteFuture()});
    }
    Write(append);
    for (int64_t number = events_ - kEventsPerTick + 1; number <= events_; ++number) {
      if (number % 7 == 0) Attempt({{kDefaultTenant, 1}, number}, 1, DeliveryState::kPending);
      Attempt({{kDefaultTenant, 1}, number}, number % 7 == 0 ? 2 : 1, DeliveryState::kSucceeded);
    }
    Flush();
  }
  // Every other delivery of the slow webhook ends late, the rest never.
  void AnswerSlowly(int64_t first) {
    for (int64_t number = first; number < first + kEventsPerTick; ++number) {
      if (number > 0 && IsForSlow(number) && number % 20 == 0) {
        Attempt({{kDefaultTenant, 2}, number}, 1, DeliveryState::kSucceeded);
      }
    }
    Flush();
  }
  void Attempt(DeliveryKey key, int attempt, DeliveryState state) {
    DeliveryOutcome& outcome = record_.outcomes.emplace_back();
    outcome.key = key;
    outcome.state = state;
    outcome.due_time = now_;
    outcome.attempt.number = attempt;
    outcome.attempt.start_time = now_;
    outcome.attempt.http_status = state == DeliveryState::kSucceeded ? 204 : 500;
    outcome.attempt.response_body = std::string(state == DeliveryState::kSucceeded ? 0 : 300, 'e');
    outcome.fence = fences_[PartitionOf(key.webhook)];
  }
  void Flush() {
    Write(std::exchange(record_, {}));
    EXPECT_EQ(store_->Checkpoint(), absl::OkStatus());
  }
  DeleteOldEvents::Result Clean() {
    DeleteOldEvents::Result result;
    do {
      DeleteOldEvents del;
      del.tenant = kDefaultTenant;
      del.stored_before = now_ - kRetentionTicks * kTick;
      del.held_before = del.stored_before - kHeldTicks * kTick;
      del.limit = 100;
      result = Write(del);
      expired_ += result.expired_deliveries;
    } while (result.more);
    EXPECT_EQ(store_->Checkpoint(), absl::OkStatus());
    return result;
  }
  int64_t Size() const {
    return static_cast<int64_t>(std::filesystem::file_size(path_) +
                                std::filesystem::file_size(path_ + "-wal"));
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("latchwire.db");
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);
  std::unique_ptr<Store> store_;
  std::array<int64_t, kPartitionCount> fences_{};
  RecordOutcomes record_;
  int64_t events_ = 0;
  int64_t expired_ = 0;
};

TEST_F(RetentionSoakTest, TheFileLevelsOff) {
  int64_t size_halfway = 0;
  DeleteOldEvents::Result last;
  for (int tick = 1; tick <= kTicks; ++tick) {
    Load();
    AnswerSlowly(events_ - (kSlowTicks + 1) * kEventsPerTick + 1);
    last = Clean();
    now_ += kTick;
    if (tick == kTicks / 2) size_halfway = Size();
  }
  const int64_t size = Size();
  RecordProperty("bytes_halfway", static_cast<int>(size_halfway));
  RecordProperty("bytes", static_cast<int>(size));
  EXPECT_LT(size, size_halfway + size_halfway / 10) << "halfway " << size_halfway;

  // What is kept is the events of the retention time, and some that are held.
  EXPECT_GT(last.held_events, 0);
  EXPECT_LE(last.held_events, (kHeldTicks + 1) * kEventsPerTick / 10);
  EXPECT_EQ(last.stored_events, (kRetentionTicks + 1) * kEventsPerTick + last.held_events);
  const auto page = store_->ListEvents(kDefaultTenant, {}, 0, 4000);
  EXPECT_EQ(static_cast<int64_t>(page->events.size()), last.stored_events);
  EXPECT_GT(expired_, 0);
  EXPECT_LT(last.stored_bytes, 2 * size);
  EXPECT_GT(last.stored_bytes, last.stored_events * 800);
}

}  // namespace
}  // namespace latchwire
