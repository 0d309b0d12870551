// Priorities under overload: more urgent events come than the receiver can take, for as long as the
// world lasts.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/delivery/testing/delivery_world.h"
#include "tests/sim/oracle.h"

namespace latchwire::sim {
namespace {

constexpr int kFirstLow = 100'000;
constexpr absl::Duration kService = absl::Milliseconds(20);

struct Outcome {
  int sent = 0, sent_low = 0, published_low = 0;
};

// Ten seconds with twice the load that fits, one in sixteen of it of low priority.
Outcome Overload(uint64_t seed, WebhookOrdering ordering) {
  SeededRandom dice(seed);
  DeliveryWorldOptions options;
  options.seed = seed;
  options.commit_time = absl::Milliseconds(dice.NextUint64() % 10);
  options.read_time = absl::Milliseconds(dice.NextUint64() % 50);
  options.engine.max_ready_per_webhook = 16 + dice.NextUint64() % 100;
  DeliveryWorld world(options);
  Webhook webhook;
  webhook.ordering = ordering;
  webhook.max_in_flight = 1;
  world.CreateWebhook(webhook);
  Outcome outcome;
  world.transport().SetHandler([&](const HttpRequest& request) {
    ++outcome.sent;
    outcome.sent_low += NumberIn(request.body) >= kFirstLow;
    return FakeTransport::Status(200, kService);
  });
  for (int n = 1; n <= 1000; ++n) {
    const bool low = n % 16 == 0;
    // Each from a door of its own, so that order keys do not decide.
    Event event = TestEvent(absl::StrCat("door-", n), low ? kFirstLow + n : n);
    event.priority = low ? 1 : 7;
    outcome.published_low += low;
    world.PublishAsync(std::move(event), [](absl::Status, int64_t) {});
    world.executor().RunFor(kService / 2);
  }
  return outcome;
}

TEST(PriorityTest, UnderOverloadHigherLeavesFirstAndLowerIsNotStarved) {
  for (const WebhookOrdering ordering : {WebhookOrdering::kNone, WebhookOrdering::kBySubject}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed, ", ordering ", static_cast<int>(ordering)));
      const Outcome outcome = Overload(seed, ordering);
      EXPECT_GT(outcome.sent, 300) << "the receiver is kept busy";
      // Without priorities half of them would leave; strictly by priority none.
      EXPECT_GE(outcome.sent_low, 5);
      EXPECT_LE(outcome.sent_low, outcome.sent / 8 + 5);
    }
  }
}

}  // namespace
}  // namespace latchwire::sim
