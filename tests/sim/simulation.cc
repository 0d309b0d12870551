#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace latchwire::sim {
namespace {

constexpr int kWebhooks = 4;
constexpr int kWatcher = kWebhooks + 1;
constexpr int kDoors = 3;
constexpr int kEvents = 50;
constexpr absl::Duration kSweepInterval = absl::Seconds(3);

}  // namespace

Simulation::Simulation(uint64_t seed, Fault fault)
    : dice_(seed), world_(Options(seed, fault)), oracle_(&world_, &ledger_) {
  oracle_.ServerStarted(0);
  MakeWebhooks();
  world_.transport().SetHandler([this](const HttpRequest& request) { return Receive(request); });
  if (two_servers_) {
    world_.Start(1);
    oracle_.ServerStarted(1);
  }
  SweepLater();
}

DeliveryWorldOptions Simulation::Options(uint64_t seed, Fault fault) {
  two_servers_ = Chance(0.3);
  crashes_ = Chance(0.4);
  DeliveryWorldOptions options;
  options.seed = seed;
  options.servers = two_servers_ ? 2 : 1;
  options.wrap_store = [this, fault](int server, std::unique_ptr<Store> store) {
    return NewSpyStore(std::move(store), server == 0 ? "server" : absl::StrCat("server-", server),
                       &ledger_, fault);
  };
  options.commit_time = absl::Milliseconds(Roll(20));
  options.read_time = absl::Milliseconds(Roll(200));
  if (two_servers_) options.engine.lease_duration = absl::Milliseconds(1500);
  options.engine.max_ready_per_webhook = static_cast<size_t>(2 + Roll(30));
  options.engine.max_in_flight = static_cast<size_t>(1 + Roll(50));
  options.engine.max_unrecorded = options.engine.max_in_flight + static_cast<size_t>(Roll(50));
  options.engine.max_loads = 1 + Roll(3);
  options.engine.max_ready_bytes = Chance(0.3) ? 2000 : 1 << 20;
  return options;
}

int Simulation::Roll(int below) {
  return static_cast<int>(dice_.NextUint64() % static_cast<uint64_t>(below));
}

Webhook Simulation::RandomWebhook(int uid) {
  Webhook webhook;
  webhook.url = absl::StrCat("http://receiver.test/", uid);
  if (uid % 2 == 0) webhook.ordering = WebhookOrdering::kBySubject;
  webhook.max_in_flight = 1 + Roll(8);
  webhook.timeout = absl::Seconds(2);
  webhook.retry_policy.delays.clear();
  for (int i = Roll(6); i > 0; --i) {
    webhook.retry_policy.delays.push_back(absl::Milliseconds(200 + Roll(4000)));
  }
  if (Chance(0.2)) webhook.retry_policy.total_window = absl::Seconds(1 + Roll(10));
  webhook.circuit_breaker = {0, {}, {}};
  if (Chance(0.6)) {
    webhook.circuit_breaker.failure_threshold = 1 + Roll(5);
    webhook.circuit_breaker.open_time = absl::Milliseconds(100 + Roll(2000));
    webhook.circuit_breaker.max_open_time =
        webhook.circuit_breaker.open_time + absl::Milliseconds(Roll(4000));
  }
  if (Chance(0.3)) webhook.rate_limit = {2.0 + Roll(40), 1 + Roll(5)};
  if (Chance(0.3)) webhook.max_event_age = absl::Seconds(1 + Roll(15));
  if (Chance(0.4)) {
    webhook.max_pending = 1 + Roll(10);
    webhook.overflow = static_cast<OverflowPolicy>(1 + Roll(3));
  }
  webhook.auto_suspend.failure_count = 0;
  if (!two_servers_ && Chance(0.2)) webhook.auto_suspend = {5 + Roll(10), absl::Seconds(Roll(8))};
  if (uid == 3 && Chance(0.5)) {
    webhook.guarantee = WebhookGuarantee::kBestEffort;
    if (webhook.overflow == OverflowPolicy::kReject) {
      webhook.overflow = OverflowPolicy::kDropNewest;
    }
  }
  return webhook;
}

void Simulation::MakeWebhooks() {
  for (int uid = 1; uid <= kWebhooks; ++uid) {
    const auto webhook = world_.CreateWebhook(RandomWebhook(uid));
    failure_rate_[uid] = dice_.NextUnit() * 0.8;
    timeouts_[uid] = webhook->timeout;
    oracle_.AddWebhook(*webhook);
  }
  if (!Chance(0.4)) return;
  Webhook watcher = RandomWebhook(kWatcher);
  watcher.any_of = {{"latchwire.*.*", "", ""}};
  watcher.max_event_age = absl::InfiniteDuration();
  oracle_.AddWebhook(*world_.CreateWebhook(watcher));
  failure_rate_[kWatcher] = 0.2;
  timeouts_[kWatcher] = watcher.timeout;
}

int Simulation::PickServer() {
  const int owner = ledger_.owners[0] == "server-1" ? 1 : 0;
  if (Works(owner)) return owner;
  const int other = 1 - owner;
  return two_servers_ && Works(other) ? other : -1;
}

void Simulation::PublishOne(int n) {
  Event event = TestEvent(absl::StrCat("door-", Roll(kDoors)), n);
  event.priority = Roll(10);
  event.receive_time = world_.clock().Now();
  if (Chance(0.1)) event.expire_time = event.receive_time + absl::Seconds(Roll(10));
  const int server = PickServer();
  if (server < 0) return;
  world_.PublishAsync(
      std::move(event),
      [this, n](const absl::Status& status, int64_t number) {
        if (status.ok()) oracle_.Accepted(n, number);
        if (ReasonOf(status) == "QUEUE_FULL") oracle_.Refused(n);
      },
      server);
}

FakeTransport::Reply Simulation::Answer(int uid) {
  FakeTransport::Reply reply = FakeTransport::Status(200, absl::Milliseconds(Roll(300)));
  if (healed_ || !Chance(failure_rate_[uid])) return reply;
  switch (Roll(5)) {
    case 0:
      return FakeTransport::Status(500, absl::Milliseconds(Roll(100)));
    case 1:
      return FakeTransport::Never();
    case 2:
      return FakeTransport::Error(TransportError::kConnect, "refused");
    case 3:  // received, but the answer comes too late
      return FakeTransport::Status(200, absl::Seconds(30));
    default:
      // Two servers know each other's changes of webhooks only after a restart.
      return FakeTransport::Status(!two_servers_ && Chance(0.1) ? 410 : 503,
                                   absl::Milliseconds(Roll(100)), "", Chance(0.5) ? "1" : "");
  }
}

FakeTransport::Reply Simulation::Receive(const HttpRequest& request) {
  const int uid = request.url.back() - '0';
  FakeTransport::Reply reply = Answer(uid);
  Receipt receipt;
  receipt.uid = uid;
  receipt.n = NumberIn(request.body);
  const bool in_time = reply.delay <= timeouts_[uid];
  receipt.http_status = in_time ? reply.result.http_status : 0;
  receipt.answered = world_.clock().Monotonic() + std::min(reply.delay, timeouts_[uid]);
  oracle_.Received(receipt);
  return reply;
}

void Simulation::SweepLater() {
  world_.executor().PostAfter(kSweepInterval, [this] {
    for (int server = 0; server <= (two_servers_ ? 1 : 0); ++server) {
      if (!Works(server)) continue;
      ExpireDeliveries expire;
      expire.now = world_.clock().Now();
      expire.limit = 1 + Roll(20);
      world_.writer(server).Submit(std::move(expire), [](const auto&) {});
    }
    SweepLater();
  });
}

void Simulation::TogglePause() {
  const WebhookKey key{kDefaultTenant, 1 + Roll(kWebhooks)};
  const bool active = world_.configuration().FindWebhook(key)->state == WebhookState::kActive;
  oracle_.WebhookChanged(key.uid);
  world_.SetWebhookState(key, active ? WebhookState::kPaused : WebhookState::kActive);
  oracle_.WebhookChanged(key.uid);
}

void Simulation::JumpClock() {
  const absl::Duration by = absl::Milliseconds(Roll(40'000) - 20'000);
  world_.clock().JumpWall(by);
  jumped_ += by;
  furthest_ = std::max(furthest_, jumped_);
}

void Simulation::CrashOne() {
  const int server = two_servers_ ? Roll(2) : 0;
  oracle_.Incident();
  ++incidents_;
  world_.Crash(server);
  world_.Start(server);
  oracle_.ServerStarted(server);
}

void Simulation::StallOne() {
  const int server = Roll(2);
  if (!Works(server)) return;
  oracle_.Incident();
  ++incidents_;
  world_.Pause(server);
  world_.executor().PostAfter(absl::Milliseconds(200 + Roll(5000)), [this, server] {
    if (!world_.running(server) || !world_.paused(server)) return;  // it was killed meanwhile
    oracle_.Incident();
    world_.Resume(server);
  });
}

void Simulation::RetryOneByHand() {
  const int server = PickServer();
  if (server < 0) return;
  DeliveryFilter filter;
  filter.state = Chance(0.5) ? DeliveryState::kDead : DeliveryState::kExpired;
  const DeliveryPage page = world_.store().ListDeliveries(kDefaultTenant, filter, {}, 20).value();
  if (page.deliveries.empty()) return;
  RetryDelivery retry;
  retry.key = page.deliveries[static_cast<size_t>(Roll(static_cast<int>(page.deliveries.size())))]
                  .delivery.key;
  retry.now = world_.clock().Now();
  oracle_.RetriedByHand(retry.key);
  world_.writer(server).Submit(std::move(retry), [](const auto&) {});
}

void Simulation::Disturb() {
  if (Chance(0.05)) world_.database().FailWrites(1 + Roll(5), "disk full");
  if (Chance(0.04)) JumpClock();
  if (Chance(0.04)) RetryOneByHand();
  if (crashes_ && Chance(0.04)) CrashOne();
  if (two_servers_) {
    if (Chance(0.12)) StallOne();
  } else if (Chance(0.05)) {
    TogglePause();
  }
}

void Simulation::Run() {
  for (int n = 1; n <= kEvents; ++n) {
    PublishOne(n);
    Disturb();
    world_.executor().RunFor(absl::Milliseconds(Roll(300)));
  }
  Heal();
  for (int i = 0; i < 60 && AnythingPending(); ++i) {
    ActivateAll();  // the last answers may have suspended some
    world_.executor().RunFor(absl::Seconds(10));
  }
}

// The world heals, and all must come to an end.
void Simulation::Heal() {
  healed_ = true;
  world_.database().FailWrites(0, "");
  world_.clock().JumpWall(furthest_ - jumped_);  // what was due then is due now
  if (two_servers_) {
    oracle_.Incident();
    world_.Crash(1);
    world_.Crash(0);
    world_.Start(0);
    oracle_.ServerStarted(0);
  }
  ActivateAll();
  world_.executor().RunFor(absl::Seconds(10));
}

void Simulation::ActivateAll() {
  for (int uid = 1; uid <= kWatcher; ++uid) {
    const WebhookKey key{kDefaultTenant, uid};
    const auto webhook = world_.configuration().FindWebhook(key);
    if (webhook == nullptr || webhook->state == WebhookState::kActive) continue;
    oracle_.WebhookChanged(key.uid);
    world_.SetWebhookState(key, WebhookState::kActive);
    oracle_.WebhookChanged(key.uid);
  }
}

bool Simulation::AnythingPending() {
  const auto all = world_.store().LoadStats({}, 100);
  return std::any_of(all->begin(), all->end(),
                     [](const WebhookStats& stats) { return stats.pending > 0; });
}

}  // namespace latchwire::sim
