#include "server/metrics/server_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

TEST(ServerPagesTest, ReadinessHasItsStatusAndLifeIsAlwaysOk) {
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  const WriteWatch watch;
  const Writer writer(store.get(), WriterOptions());
  const ThreadReadPool reads(store.get(), 1, 1);
  std::atomic<bool> draining{false};
  const HttpPages::Pages pages =
      ServerPages(MetricsSources(), {&watch.counters(), &writer, &reads, &draining});
  EXPECT_THAT(pages.at("/metrics")().body, HasSubstr("latchwire_build_info"));
  EXPECT_EQ(pages.at("/readyz")().status, 200);
  draining = true;
  const HttpResponse ready = pages.at("/readyz")();
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.content_type, "application/json");
  EXPECT_EQ(ready.body, "{\"status\":\"refusing\",\"reasons\":[\"SHUTTING_DOWN\"]}\n");
  EXPECT_EQ(pages.at("/healthz")().status, 200);
}

}  // namespace
}  // namespace latchwire
