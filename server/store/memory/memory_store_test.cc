#include "server/store/memory/memory_store.h"

#include "gtest/gtest.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

class MemoryTestDatabase : public TestDatabase {
 public:
  std::unique_ptr<Store> Open() override { return NewMemoryStore(database_); }

 private:
  const std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
};

std::unique_ptr<TestDatabase> MakeMemoryDatabase() {
  return std::make_unique<MemoryTestDatabase>();
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest, testing::Values(&MakeMemoryDatabase));

Mutation OneEvent() {
  AppendEvents append;
  append.tenant = kDefaultTenant;
  append.events.emplace_back().event = std::make_shared<Event>();
  return append;
}

TEST(MemoryStoreTest, FailsWritesAsAsked) {
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  database->FailWrites(2, "disk full");
  for (int i = 0; i < 2; ++i) {
    Mutation mutations[] = {OneEvent(), OneEvent()};
    EXPECT_THAT(store->Write(absl::MakeSpan(mutations)), HasReason("STORE_UNAVAILABLE"));
    EXPECT_THAT(StatusOf(mutations[1]), HasReason("STORE_UNAVAILABLE"));
    EXPECT_THAT(StatusOf(mutations[0]).message(), testing::HasSubstr("disk full"));
  }
  Mutation mutations[] = {OneEvent()};
  EXPECT_EQ(store->Write(absl::MakeSpan(mutations)), absl::OkStatus());
  EXPECT_EQ(store->ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 1);
}

TEST(MemoryStoreTest, LosesAnAnswerAsAsked) {
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  database->LoseAnswerAfter(1);
  for (const bool ok : {true, false, true}) {
    Mutation mutations[] = {OneEvent()};
    EXPECT_EQ(store->Write(absl::MakeSpan(mutations)).ok(), ok);
  }
  EXPECT_EQ(NewMemoryStore(database)->ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 3);
}

}  // namespace
}  // namespace latchwire
