// The delivery side in a random world: receivers that fail, hang and answer late, a disk that fills
// up, webhooks that are paused, a server that crashes at any moment. An oracle checks the promises
// of docs/guarantees.md.
//
// LATCHWIRE_SIM_SEEDS=N runs N seeds (100 by default), LATCHWIRE_SIM_SEED=S only that one. A seed
// replays exactly.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

constexpr int kWebhooks = 4;
constexpr int kDoors = 3;
constexpr int kEvents = 120;

// What a receiver has seen and answered: the oracle's evidence.
struct Answer {
  int n = 0;
  int http_status = 0;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : dice_(seed), world_(Options(seed, &dice_)) {
    crashes_ = dice_.NextUnit() < 0.5;
    for (int uid = 1; uid <= kWebhooks; ++uid) MakeWebhook(uid);
    world_.transport().SetHandler([this](const HttpRequest& request) { return Receive(request); });
  }

  void Run() {
    for (int n = 1; n <= kEvents; ++n) {
      PublishOne(n);
      if (dice_.NextUnit() < 0.05) world_.database().FailWrites(1 + Roll(5), "disk full");
      if (dice_.NextUnit() < 0.03) TogglePause();
      if (crashes_ && dice_.NextUnit() < 0.03) {
        world_.Crash();
        ++crash_count_;
        world_.Start();
      }
      world_.executor().RunFor(absl::Milliseconds(Roll(400)));
    }
    // Then the world heals, and all must come to an end.
    healed_ = true;
    world_.database().FailWrites(0, "");
    for (int uid = 1; uid <= kWebhooks; ++uid) {
      world_.SetWebhookState({kDefaultTenant, uid}, WebhookState::kActive);
    }
    world_.executor().RunFor(absl::Hours(1));
  }

  void Check() {
    for (const auto& [n, number] : stored_) {
      for (int uid = 1; uid <= kWebhooks; ++uid) CheckDelivery(uid, n, number);
    }
    for (int uid = 1; uid <= kWebhooks; ++uid) CheckOrder(uid);
  }

  std::string Log() const { return absl::StrJoin(log_, "\n"); }

 private:
  static DeliveryWorldOptions Options(uint64_t seed, SeededRandom* dice) {
    DeliveryWorldOptions options;
    options.seed = seed;
    options.commit_time = absl::Milliseconds(dice->NextUint64() % 20);
    options.read_time = absl::Milliseconds(dice->NextUint64() % 200);
    options.engine.max_ready_per_webhook = 2 + dice->NextUint64() % 30;
    options.engine.max_in_flight = 1 + dice->NextUint64() % 50;
    options.engine.max_unrecorded = options.engine.max_in_flight + dice->NextUint64() % 50;
    options.engine.max_loads = 1 + static_cast<int>(dice->NextUint64() % 3);
    options.engine.max_ready_bytes = dice->NextUnit() < 0.3 ? 2000 : 1 << 20;
    return options;
  }

  int Roll(int below) {
    return static_cast<int>(dice_.NextUint64() % static_cast<uint64_t>(below));
  }

  void MakeWebhook(int uid) {
    Webhook webhook;
    webhook.url = absl::StrCat("http://receiver.test/", uid);
    webhook.ordering = uid % 2 == 0 ? WebhookOrdering::kBySubject : WebhookOrdering::kNone;
    webhook.max_in_flight = 1 + Roll(8);
    webhook.timeout = absl::Seconds(2);
    webhook.retry_policy.delays.clear();
    for (int i = 1 + Roll(6); i > 0; --i) {
      webhook.retry_policy.delays.push_back(absl::Milliseconds(200 + Roll(4000)));
    }
    failure_rate_[uid] = dice_.NextUnit() * 0.6;
    max_attempts_[uid] = static_cast<int>(webhook.retry_policy.delays.size()) + 1;
    ASSERT_EQ(world_.CreateWebhook(webhook)->key.uid, uid);
  }

  void PublishOne(int n) {
    door_of_[n] = Roll(kDoors);
    world_.PublishAsync(TestEvent(absl::StrCat("door-", door_of_[n]), n),
                        [this, n](const absl::Status& status, int64_t number) {
                          if (status.ok()) stored_[n] = number;
                        });
  }

  void TogglePause() {
    const WebhookKey key{kDefaultTenant, 1 + Roll(kWebhooks)};
    const auto webhook = world_.catalog().FindWebhook(key);
    world_.SetWebhookState(key, webhook->state == WebhookState::kActive ? WebhookState::kPaused
                                                                        : WebhookState::kActive);
  }

  FakeTransport::Reply Receive(const HttpRequest& request) {
    const int uid = request.url.back() - '0';
    const size_t begin = request.body.find("\"n\":") + 4;
    const int n = std::atoi(request.body.c_str() + begin);
    FakeTransport::Reply reply = FakeTransport::Status(200, absl::Milliseconds(Roll(300)));
    if (!healed_ && dice_.NextUnit() < failure_rate_[uid]) {
      switch (Roll(4)) {
        case 0:
          reply = FakeTransport::Status(500, absl::Milliseconds(Roll(100)));
          break;
        case 1:
          reply = FakeTransport::Never();
          break;
        case 2:
          reply = FakeTransport::Error(TransportError::kConnect, "refused");
          break;
        case 3:  // received, but the answer comes too late
          reply = FakeTransport::Status(200, absl::Seconds(30));
          break;
      }
    }
    const bool answered = reply.delay < absl::Seconds(2);
    answers_[uid].push_back({n, answered ? reply.result.http_status : 0});
    log_.push_back(absl::StrCat(absl::FormatTime(world_.clock().Now()), " ", uid, " ", n, " ",
                                answers_[uid].back().http_status));
    return reply;
  }

  void CheckDelivery(int uid, int n, int64_t number) {
    const Delivery delivery = world_.GetDelivery(uid, number);
    int successes = 0;
    int tries = 0;
    for (const Answer& answer : answers_[uid]) {
      if (answer.n != n) continue;
      ++tries;
      successes += answer.http_status == 200;
    }
    ASSERT_EQ(delivery.key.event_number, number) << "event " << n << " has no delivery to " << uid;
    const std::string what =
        absl::StrCat("event ", n, " to webhook ", uid, ": ", tries, " tries, ", successes,
                     " answered 200, ", delivery.attempt_count, " recorded");
    if (delivery.state == DeliveryState::kSucceeded) {
      EXPECT_GE(successes, 1) << what;
    } else {
      EXPECT_EQ(delivery.state, DeliveryState::kDead) << what;
      EXPECT_EQ(delivery.attempt_count, max_attempts_[uid]) << what;
    }
    EXPECT_EQ(world_.ListAttempts(uid, number).size(), static_cast<size_t>(delivery.attempt_count))
        << what;
    if (crash_count_ == 0) {
      EXPECT_LE(successes, 1) << "a duplicate without a cause: " << what;
      EXPECT_EQ(tries, delivery.attempt_count) << what;
    }
  }

  // A door's events succeed in commit order at ordered webhooks; a dead one is passed over.
  void CheckOrder(int uid) {
    if (uid % 2 != 0) return;
    std::map<int, int64_t> last;  // by door
    std::set<int> seen;
    for (const Answer& answer : answers_[uid]) {
      const auto number = stored_.find(answer.n);
      if (answer.http_status != 200 || number == stored_.end() || !seen.insert(answer.n).second) {
        continue;
      }
      int64_t& before = last[door_of_[answer.n]];
      EXPECT_GT(number->second, before) << "event " << answer.n << " overtaken at webhook " << uid;
      before = number->second;
    }
  }

  SeededRandom dice_;
  DeliveryWorld world_;
  bool crashes_ = false;
  bool healed_ = false;
  int crash_count_ = 0;
  std::map<int, double> failure_rate_;
  std::map<int, int> max_attempts_;
  std::map<int, int> door_of_;
  std::map<int, int64_t> stored_;  // event n -> number, once answered
  std::map<int, std::vector<Answer>> answers_;
  std::vector<std::string> log_;
};

uint64_t EnvironmentOr(const char* name, uint64_t value) {
  const char* text = std::getenv(name);
  uint64_t parsed = 0;
  return text != nullptr && absl::SimpleAtoi(text, &parsed) ? parsed : value;
}

TEST(SimulationTest, PromisesHoldInRandomWorlds) {
  const uint64_t only = EnvironmentOr("LATCHWIRE_SIM_SEED", 0);
  const uint64_t first = only != 0 ? only : 1;
  const uint64_t last = only != 0 ? only : EnvironmentOr("LATCHWIRE_SIM_SEEDS", 100);
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE(absl::StrCat("replay with LATCHWIRE_SIM_SEED=", seed));
    Simulation simulation(seed);
    simulation.Run();
    simulation.Check();
    if (HasFailure()) return;
  }
}

TEST(SimulationTest, ASeedReplaysExactly) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Simulation one(seed);
    one.Run();
    Simulation two(seed);
    two.Run();
    EXPECT_EQ(one.Log(), two.Log());
    EXPECT_FALSE(one.Log().empty());
  }
}

}  // namespace
}  // namespace latchwire
