#include "server/state/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;

CreateWebhook NewWebhook(std::string id) {
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  create.webhook.id = std::move(id);
  return create;
}

// Counts transactions, and what each held.
class CountingObserver : public CommitObserver {
 public:
  void OnCommitted(const WrittenBatch& batch) override {
    sizes.push_back(batch.mutations().size());
    if (log != nullptr) log->push_back("commit");
  }
  std::vector<size_t> sizes;
  std::vector<std::string>* log = nullptr;
};

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() : database_(MemoryDatabase::Make()), store_(NewMemoryStore(database_)) {}

  void Open(WriterOptions options = {}) {
    writer_ = std::make_unique<Writer>(store_.get(), options);
    writer_->AddObserver(&observer_);
  }

  std::shared_ptr<MemoryDatabase> database_;
  std::unique_ptr<Store> store_;
  CountingObserver observer_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, GathersManyCallersInOneTransactionAndTellsObserversFirst) {
  Open();
  std::vector<std::string> log;
  observer_.log = &log;
  for (const char* id : {"a", "b"}) {
    writer_->Submit(NewWebhook(id), [&log, id](const Written<CreateWebhook>& written) {
      EXPECT_TRUE(written.result.ok());
      log.emplace_back(id);
    });
  }
  EXPECT_TRUE(log.empty()) << "nothing is written before a step";
  EXPECT_TRUE(writer_->Step());
  EXPECT_THAT(log, ElementsAre("commit", "a", "b"));
  EXPECT_THAT(observer_.sizes, ElementsAre(2));
  EXPECT_EQ(writer_->queued_bytes(), 0u);
  EXPECT_FALSE(writer_->Step());
}

TEST_F(WriterTest, OneThatFailsDoesNotHinderItsNeighbours) {
  Open();
  std::vector<std::string> reasons;
  for (const char* id : {"a", "a", "b"}) {
    writer_->Submit(NewWebhook(id), [&](const auto& written) {
      reasons.push_back(ReasonOf(written.result.status()));
    });
  }
  writer_->Step();
  EXPECT_THAT(reasons, ElementsAre("", "WEBHOOK_ALREADY_EXISTS", ""));
}

TEST_F(WriterTest, AFailedTransactionFailsEveryCallerAndTheNextSucceeds) {
  Open();
  database_->FailWrites(1, "disk full");
  std::vector<std::string> reasons;
  const auto note = [&](const auto& written) {
    reasons.push_back(ReasonOf(written.result.status()));
  };
  writer_->Submit(NewWebhook("a"), note);
  writer_->Submit(NewWebhook("b"), note);
  writer_->Step();
  EXPECT_THAT(reasons, ElementsAre("STORE_UNAVAILABLE", "STORE_UNAVAILABLE"));
  writer_->Submit(NewWebhook("a"), note);
  writer_->Step();
  EXPECT_EQ(reasons.back(), "");
}

TEST_F(WriterTest, AFullQueueRefusesAtOnceButTakesOutcomes) {
  WriterOptions options;
  options.max_queued_mutations = 1;
  Open(options);
  std::vector<std::string> reasons;
  const auto note = [&](const auto& written) {
    reasons.push_back(ReasonOf(written.result.status()));
  };
  writer_->Submit(NewWebhook("a"), note);
  absl::Status refusal;
  writer_->Submit(NewWebhook("b"), [&](const auto& written) { refusal = written.result.status(); });
  EXPECT_EQ(ReasonOf(refusal), "OVERLOADED");
  EXPECT_TRUE(RetryAfterOf(refusal).has_value());
  writer_->Submit(RecordOutcomes(), note);
  EXPECT_TRUE(reasons.empty());
  while (writer_->Step()) {
  }
  EXPECT_THAT(reasons, ElementsAre("", ""));
}

TEST_F(WriterTest, TheCallerGetsItsMutationBackAlsoWhenItWasRefused) {
  Open();
  const auto note = [](Written<CreateWebhook> written) {
    EXPECT_EQ(written.mutation.webhook.id, written.result.ok() ? "a" : "b");
    EXPECT_EQ(written.result.ok() ? written.result->webhook->id : "b", written.mutation.webhook.id);
  };
  writer_->Submit(NewWebhook("a"), note);
  writer_->Step();
  writer_->Close();
  writer_->Submit(NewWebhook("b"), note);
}

// Looks at the event's number when it is told of the commit.
class NumberObserver : public CommitObserver {
 public:
  void OnCommitted(const WrittenBatch& batch) override {
    batch.ForEachAppend([this](const MatchedEvents& append, const AppendResult&, bool) {
      for (const NewEvent& event : append.events) numbers.push_back(event.event->number);
    });
  }
  std::vector<int64_t> numbers;
};

TEST_F(WriterTest, EventsHaveTheirNumbersBeforeAnybodySeesThem) {
  Open();
  NumberObserver numbers;
  writer_->AddObserver(&numbers);
  AppendPublished append;
  append.tenant = kDefaultTenant;
  for (const char* id : {"x", "y", "x"}) {
    NewEvent& event = append.events.emplace_back();
    event.event = std::make_shared<Event>();
    event.event->id = id;
    event.deduplicate = true;
  }
  const std::vector<NewEvent> events = append.events;
  AppendPublished stale = append;
  stale.generation = 7;
  stale.events = {append.events[0]};
  writer_->Submit(std::move(stale), [](const auto& written) {
    EXPECT_EQ(ReasonOf(written.result.status()), "STALE_GENERATION");
  });
  writer_->Submit(std::move(append), [](const Written<AppendPublished>& written) {
    EXPECT_EQ(written.result->events[1].number, 2);
    EXPECT_EQ(written.mutation.events[1].event->number, 2);
    EXPECT_EQ(written.result->events[2].number, 1) << "of the one it repeats";
  });
  writer_->Step();
  EXPECT_THAT(numbers.numbers, ElementsAre(1, 2, 0));
}

TEST_F(WriterTest, AnEventIsNumberedOnce) {
  Open();
  AppendPublished append;
  append.tenant = kDefaultTenant;
  append.events.emplace_back().event = std::make_shared<Event>();
  append.events[0].event->number = 5;
  writer_->Submit(std::move(append), [](const auto&) {});
  EXPECT_DEATH(writer_->Step(), "has number 5");
}

TEST_F(WriterTest, ATransactionIsBounded) {
  WriterOptions options;
  options.max_batch_events = 2;
  Open(options);
  for (const char* id : {"a", "b", "c"}) writer_->Submit(NewWebhook(id), [](const auto&) {});
  while (writer_->Step()) {
  }
  EXPECT_THAT(observer_.sizes, ElementsAre(2, 1));
}

TEST_F(WriterTest, ClosedRefusesButWritesWhatIsQueued) {
  Open();
  std::vector<std::string> reasons;
  const auto note = [&](const auto& written) {
    reasons.push_back(ReasonOf(written.result.status()));
  };
  writer_->Submit(NewWebhook("a"), note);
  writer_->Close();
  writer_->Submit(NewWebhook("b"), note);
  EXPECT_THAT(reasons, ElementsAre("SHUTTING_DOWN"));
  EXPECT_TRUE(writer_->WaitForWork());
  writer_->Step();
  EXPECT_FALSE(writer_->WaitForWork());
  EXPECT_THAT(reasons, ElementsAre("SHUTTING_DOWN", ""));
}

}  // namespace
}  // namespace latchwire
