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

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest, OnEveryHandle(&MakeMemoryDatabase));

AppendPublished OneEvent() {
  AppendPublished append;
  append.tenant = kDefaultTenant;
  append.events.emplace_back().event = std::make_shared<Event>();
  return append;
}

TEST(MemoryStoreTest, FailsWritesAsAsked) {
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  database->FailWrites(2, "disk full");
  const Mutation two[] = {OneEvent(), OneEvent()};
  MutationResult results[2];
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store->Write(two, absl::MakeSpan(results)), HasReason("STORE_UNAVAILABLE"));
    EXPECT_THAT(results[1].status(), HasReason("STORE_UNAVAILABLE"));
    EXPECT_THAT(results[0].status().message(), testing::HasSubstr("disk full"));
  }
  EXPECT_EQ(WriteOne(*store, OneEvent()).status(), absl::OkStatus());
  EXPECT_EQ(store->ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 1);
}

TEST(MemoryStoreTest, LosesAnAnswerAsAsked) {
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  database->LoseAnswerAfter(1);
  for (const bool ok : {true, false, true}) EXPECT_EQ(WriteOne(*store, OneEvent()).ok(), ok);
  EXPECT_EQ(NewMemoryStore(database)->ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 3);
}

}  // namespace
}  // namespace latchwire
