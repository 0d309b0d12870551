// Suspending, and events about that and about the dead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/domain/operational_event.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Bodies of what went to a URL that holds `url`.
std::vector<std::string> To(const FakeTransport& transport, absl::string_view url) {
  std::vector<std::string> bodies;
  for (const HttpRequest& request : transport.requests()) {
    if (absl::StrContains(request.url, url)) bodies.push_back(request.body);
  }
  return bodies;
}

Webhook Watcher(absl::string_view pattern = "latchwire.*.*") {
  Webhook webhook;
  webhook.url = "http://watcher.test/";
  webhook.any_of = {{std::string(pattern), "", ""}};
  return webhook;
}

Webhook Failing() {
  Webhook webhook;
  webhook.url = "http://failing.test/";
  webhook.retry_policy.delays = {absl::Seconds(1)};
  return webhook;
}

void FailOn(DeliveryWorld& world, std::string url, int status) {
  world.transport().SetHandler([url = std::move(url), status](const HttpRequest& request) {
    return FakeTransport::Status(absl::StrContains(request.url, url) ? status : 200);
  });
}

TEST(EngineAutoSuspendTest, WorksForADoorThatSeesThreeEventsAWeekAndAcrossRestarts) {
  DeliveryWorldOptions options;
  options.engine.lease_duration = absl::Hours(3);  // fewer renewals to simulate
  DeliveryWorld world(options);
  Webhook webhook = Failing();
  webhook.retry_policy.delays.clear();
  webhook.auto_suspend = {6, absl::Hours(24 * 10)};
  const WebhookKey key = world.CreateWebhook(webhook)->key;
  FailOn(world, "failing", 503);
  int events = 0;
  while (events < 20 && world.configuration().FindWebhook(key)->state == WebhookState::kActive) {
    world.Publish(TestEvent("door-1", ++events));
    world.executor().RunFor(absl::Hours(56));
    world.Crash();
    world.Start();
  }
  EXPECT_EQ(events, 6);
  const auto suspended = world.configuration().FindWebhook(key);
  EXPECT_EQ(suspended->state, WebhookState::kSuspended);
  EXPECT_THAT(suspended->state_reason, HasSubstr("6 failed attempts in a row since 2023-11-1"));
  EXPECT_THAT(suspended->state_reason, HasSubstr("last failure 503"));
}

TEST(EngineAutoSuspendTest, ManyFailuresAtOnceAreNotEnough) {
  DeliveryWorldOptions options;
  options.engine.lease_duration = absl::Hours(3);
  DeliveryWorld world(options);
  Webhook webhook = Failing();
  webhook.auto_suspend = {6, absl::Hours(24)};
  webhook.circuit_breaker.failure_threshold = 0;
  const WebhookKey key = world.CreateWebhook(webhook)->key;
  FailOn(world, "failing", 503);
  for (int n = 0; n < 20; ++n) world.Publish(TestEvent("door-1", n));
  world.executor().RunFor(absl::Hours(30));
  EXPECT_EQ(world.configuration().FindWebhook(key)->state, WebhookState::kActive);
  world.Publish(TestEvent("door-1", 21));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.configuration().FindWebhook(key)->state, WebhookState::kSuspended);
  EXPECT_EQ(world.engine().counters().suspended_webhooks, 1);
  // Resumed by the user it has its count anew.
  world.SetWebhookState(key, WebhookState::kActive);
  world.Publish(TestEvent("door-1", 22));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.configuration().FindWebhook(key)->state, WebhookState::kActive);
}

TEST(EngineOperationalTest, TellsThoseWhoAskOfADeadDelivery) {
  DeliveryWorld world;
  world.CreateWebhook(Failing());
  world.CreateWebhook(Watcher());
  FailOn(world, "failing", 503);
  Event event = TestEvent("door-1", 7);
  event.id = "my-event";
  world.Publish(event);
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_THAT(To(world.transport(), "watcher"),
              ElementsAre(AllOf(HasSubstr("latchwire.delivery.dead"), HasSubstr("my-event"),
                                HasSubstr("\"last_http_status\":503"))));
  EXPECT_THAT(To(world.transport(), "failing"), SizeIs(2)) << "it asks for all, not for these";
  EXPECT_EQ(world.engine().counters().operational_events, 1);
}

TEST(EngineOperationalTest, MakesNoneWhenNobodyAsks) {
  DeliveryWorld world;
  world.CreateWebhook(Failing());
  FailOn(world, "failing", 503);
  const int64_t number = world.Publish(TestEvent("door-1", 7));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kDead);
  EXPECT_EQ(world.store().ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 1);
}

TEST(EngineOperationalTest, NeverAboutItself) {
  DeliveryWorld world;
  Webhook watcher = Watcher();
  watcher.retry_policy.delays.clear();
  watcher.any_of.push_back({"door.*", "", ""});
  world.CreateWebhook(watcher);
  FailOn(world, "watcher", 500);
  world.Publish(TestEvent("door-1", 7));
  world.executor().RunFor(absl::Hours(1));
  // The door's event died, of which it was told; that died too, of which nobody is told.
  EXPECT_THAT(To(world.transport(), "watcher"), SizeIs(2));
  EXPECT_EQ(world.store().ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 2);
}

TEST(EngineOperationalTest, TellsOthersOfASuspensionButNotTheSuspended) {
  DeliveryWorld world;
  Webhook gone = Watcher("latchwire.webhook.*");
  gone.url = "http://gone.test/";
  gone.any_of.push_back({"door.*", "", ""});
  gone.display_name = "Lobby";
  const WebhookKey key = world.CreateWebhook(gone)->key;
  world.CreateWebhook(Watcher());
  FailOn(world, "gone", 410);
  world.Publish(TestEvent("door-1", 7));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_THAT(To(world.transport(), "watcher"),
              ElementsAre(AllOf(HasSubstr("latchwire.webhook.suspended"), HasSubstr("Lobby"),
                                HasSubstr("410"))));
  FailOn(world, "gone", 200);
  world.SetWebhookState(key, WebhookState::kActive);
  world.executor().RunFor(absl::Hours(1));
  for (const std::string& body : To(world.transport(), "gone")) {
    EXPECT_THAT(body, Not(HasSubstr("suspended")));
  }
}

TEST(EngineOperationalTest, WebhooksThatChangeMeanwhileAreMatchedAnew) {
  DeliveryWorld world;
  Webhook failing = Failing();
  failing.retry_policy.delays.clear();
  world.CreateWebhook(failing);
  world.transport().SetHandler([](const HttpRequest& request) {
    return FakeTransport::Status(absl::StrContains(request.url, "failing") ? 500 : 200,
                                 absl::Milliseconds(100));
  });
  world.CreateWebhook(Watcher());
  world.Publish(TestEvent("door-1", 1));
  // A change of webhooks is queued before every outcome that may come.
  for (int i = 0; i < 200; ++i) {
    world.executor().PostAfter(absl::Milliseconds(i), [&world] {
      Webhook other = Watcher("nothing.at.all");
      other.key.tenant = kDefaultTenant;
      other.id = absl::StrCat("other-", world.clock().Monotonic() / absl::Milliseconds(1));
      world.writer().Submit(CreateWebhook{other}, [](const auto&) {});
    });
  }
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.GetDelivery(1, 1).state, DeliveryState::kDead);
  EXPECT_EQ(To(world.transport(), "watcher").size() +
                static_cast<size_t>(world.engine().counters().operational_events_lost),
            1);
}

TEST(EngineOperationalTest, AFullQueueOfAWatcherRefusesNoOutcome) {
  DeliveryWorld world;
  Webhook failing = Failing();
  failing.retry_policy.delays.clear();
  failing.circuit_breaker.failure_threshold = 0;
  world.CreateWebhook(failing);
  Webhook watcher = Watcher();
  watcher.max_pending = 2;
  watcher.overflow = OverflowPolicy::kReject;
  const WebhookKey key = world.CreateWebhook(watcher)->key;
  world.SetWebhookState(key, WebhookState::kPaused);
  FailOn(world, "failing", 500);
  for (int n = 0; n < 5; ++n) world.Publish(TestEvent("door-1", n));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.stats().StatsOf({kDefaultTenant, 1}).dead, 5);
  EXPECT_EQ(world.stats().StatsOf(key).pending, 2);
  EXPECT_EQ(world.stats().StatsOf(key).dropped, 3);
}

TEST(EngineOperationalTest, ALostAnswerOfACommitTellsNobodyTwice) {
  DeliveryWorld world;
  Webhook failing = Failing();
  failing.retry_policy.delays.clear();
  world.CreateWebhook(failing);
  world.CreateWebhook(Watcher());
  world.transport().SetHandler([&](const HttpRequest& request) {
    if (!absl::StrContains(request.url, "failing")) return FakeTransport::Status(200);
    world.database().LoseAnswerAfter(0);
    return FakeTransport::Status(500);
  });
  world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(absl::Hours(1));
  EXPECT_EQ(world.GetDelivery(1, 1).state, DeliveryState::kDead);
  EXPECT_EQ(world.store().ListEvents(kDefaultTenant, {}, 0, 10)->events.size(), 2);
}

}  // namespace
}  // namespace latchwire
