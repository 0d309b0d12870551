#include "tests/sim/oracle.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/domain/matching.h"
#include "core/domain/operational_event.h"

namespace latchwire::sim {
namespace {

constexpr size_t kEnoughViolations = 20;

bool Succeeds(const Receipt& receipt) { return receipt.http_status / 100 == 2; }

std::string OwnerName(int server) {
  return server == 0 ? "server" : absl::StrCat("server-", server);
}

std::string Name(int64_t uid, int64_t number) {
  return absl::StrCat("deliveries/", uid, "-", number);
}

}  // namespace

int NumberIn(absl::string_view text) {
  const size_t begin = text.find("\"n\":");
  return begin == absl::string_view::npos ? 0 : std::atoi(text.data() + begin + 4);
}

template <typename... Parts>
void Oracle::Broken(const Parts&... parts) {
  if (broken_.size() < kEnoughViolations) broken_.push_back(absl::StrCat(parts...));
}

void Oracle::Incident() { ++incidents_; }

void Oracle::Received(Receipt receipt) {
  receipt.server = world_->sending_server();
  receipt.life = lives_[receipt.server];
  receipt.wall = world_->clock().Now();
  receipt.sent = world_->clock().Monotonic();
  const WebhookKey key{kDefaultTenant, receipt.uid};
  receipt.breaker = world_->stats(receipt.server).BreakerOf(key);
  receipt.incidents = incidents_ + ledger_->changes_of_owner;
  receipt.stale = ledger_->owners[PartitionOf(key)] != OwnerName(receipt.server);
  receipts_.push_back(receipt);
  ++coverage_.receipts;
  coverage_.stale_receipts += receipt.stale;
  coverage_.probes += receipt.breaker.state == BreakerState::kHalfOpen;
  CheckLimits(receipt);
}

void Oracle::CheckLimits(const Receipt& receipt) {
  const Webhook& webhook = webhooks_.at(receipt.uid);
  Limits& limits = limits_[{receipt.server, receipt.life, receipt.uid}];
  LearnAnswers(webhook, receipt.sent, limits);

  if (const RateLimit& rate = webhook.rate_limit; rate.attempts_per_s > 0) {
    if (limits.epoch == -1) limits.tokens = rate.burst;
    limits.tokens += absl::ToDoubleSeconds(receipt.sent - limits.tokens_time) * rate.attempts_per_s;
    limits.tokens = std::min<double>(limits.tokens, rate.burst) - 1;
    limits.tokens_time = receipt.sent;
    if (limits.tokens < -1e-6) Broken("webhook ", receipt.uid, " was called above its rate");
  }
  const int epoch = incidents_ + changes_[receipt.uid];
  if (limits.epoch != epoch) limits.known = false;
  CheckBreaker(webhook, receipt, limits);
  limits.epoch = epoch;

  const bool best_effort = webhook.guarantee == WebhookGuarantee::kBestEffort;
  const size_t cap = best_effort ? 1 : static_cast<size_t>(webhook.max_in_flight);
  if (limits.under_way.size() >= cap) {
    Broken("webhook ", receipt.uid, " has ", limits.under_way.size() + 1, " attempts in flight");
  }
  limits.under_way.push_back(receipt);
}

// Answers that arrive at this very moment may or may not be known: they count as known.
void Oracle::LearnAnswers(const Webhook& webhook, absl::Duration now, Limits& limits) {
  std::stable_sort(limits.under_way.begin(), limits.under_way.end(),
                   [](const Receipt& a, const Receipt& b) { return a.answered < b.answered; });
  while (!limits.under_way.empty() && limits.under_way.front().answered <= now) {
    const Receipt answer = limits.under_way.front();
    limits.under_way.erase(limits.under_way.begin());
    const CircuitBreakerPolicy& policy = webhook.circuit_breaker;
    // Which of two at the same moment came first is not known here.
    const bool tie =
        !limits.under_way.empty() && limits.under_way.front().answered == answer.answered;
    limits.known = limits.known && !tie && answer.answered < now;
    if (answer.sent == limits.opened) limits.known = false;  // before or after it opened?
    if (Succeeds(answer)) {
      limits.known = limits.known || limits.under_way.empty();
      limits.failures = 0;
      // Attempts in flight when it closed say nothing about the receiver's current state.
      const bool was_open = limits.open_until > -absl::InfiniteDuration();
      if (was_open || limits.under_way.empty()) limits.opened = answer.answered;
      limits.open_until = -absl::InfiniteDuration();
    } else if (policy.failure_threshold > 0 && answer.sent >= limits.opened &&
               ++limits.failures >= policy.failure_threshold) {
      limits.opened = answer.answered;
      limits.open_until = answer.answered + policy.open_time;
      limits.failures = policy.failure_threshold - 1;  // one probe that fails opens it again
    }
  }
}

void Oracle::CheckBreaker(const Webhook& webhook, const Receipt& receipt, Limits& limits) {
  if (receipt.breaker.state == BreakerState::kOpen) {
    Broken("webhook ", receipt.uid, " was called with its breaker open");
  }
  if (limits.known && receipt.sent < limits.open_until) {
    Broken("webhook ", receipt.uid, " was called at ",
           absl::ToDoubleSeconds(receipt.sent % absl::Hours(24)), ", ",
           absl::FormatDuration(limits.open_until - receipt.sent),
           " before its breaker may close after ", webhook.circuit_breaker.failure_threshold,
           " failures");
  }
  if (receipt.breaker.state != BreakerState::kHalfOpen) return;
  for (const Receipt& other : limits.under_way) {
    if (other.breaker == receipt.breaker) {
      Broken("webhook ", receipt.uid, " has two probes in flight at the same time");
    }
  }
}

std::vector<std::string> Oracle::Check() {
  for (const std::string& violation : ledger_->violations) Broken(violation);
  int64_t before = 0;
  do {
    EventPage page = world_->store().ListEvents(kDefaultTenant, {}, before, 1000).value();
    for (Event& event : page.events) {
      // A list may come without the data.
      event = world_->store().GetEvent(kDefaultTenant, event.number).value();
      if (!IsOperationalType(event.type)) numbers_[NumberIn(event.data)] = event.number;
      events_[event.number] = std::move(event);
    }
    before = page.next_before;
  } while (before != 0);
  DeliveryCursor cursor;
  do {
    DeliveryPage page = world_->store().ListDeliveries(kDefaultTenant, {}, cursor, 1000).value();
    for (PendingDelivery& found : page.deliveries) {
      const DeliveryKey key = found.delivery.key;
      deliveries_[{key.webhook.uid, key.event_number}] = std::move(found.delivery);
    }
    cursor = page.next;
  } while (cursor.has_value());

  for (Receipt& receipt : receipts_) {
    const auto number = numbers_.find(receipt.n);
    if (number == numbers_.end()) continue;
    receipt.stale = receipt.stale || ledger_->fenced.contains(
                                         {OwnerName(receipt.server), receipt.uid, number->second});
  }
  for (const auto& [n, number] : accepted_) {
    const auto stored = numbers_.find(n);
    if (stored == numbers_.end()) {
      Broken("event ", n, " was accepted and is not stored");
    } else if (stored->second != number) {
      Broken("event ", n, " was accepted as ", number, " and stored as ", stored->second);
    }
  }
  for (const int n : refused_) {
    if (numbers_.contains(n)) Broken("event ", n, " was refused and is stored");
  }
  for (const auto& [number, event] : events_) {
    for (const auto& [uid, webhook] : webhooks_) {
      const auto delivery = deliveries_.find({uid, number});
      if (delivery != deliveries_.end()) {
        CheckDelivery(delivery->second, NumberIn(event.data));
      } else if (Fits(webhook, event) && !IsOperationalType(event.type)) {
        Broken("event ", number, " has no delivery to webhook ", uid);
      }
    }
  }
  for (const auto& [uid, webhook] : webhooks_) {
    if (IsOrdered(webhook)) CheckOrder(webhook);
    CheckStats(webhook);
  }
  CheckOperational();
  return broken_;
}

void Oracle::CheckDelivery(const Delivery& delivery, int n) {
  const int64_t uid = delivery.key.webhook.uid;
  const Webhook& webhook = webhooks_.at(uid);
  const std::string name = Name(uid, delivery.key.event_number);
  const bool retried = retried_.contains({uid, delivery.key.event_number});
  ++coverage_.states[delivery.state];
  const int64_t recorded =
      static_cast<int64_t>(world_->store().ListAttempts(delivery.key, 0, 1000)->size());
  if (recorded != delivery.attempt_count) {
    Broken(name, " lists ", recorded, " attempts of ", delivery.attempt_count);
  }
  const int max_attempts = webhook.guarantee == WebhookGuarantee::kBestEffort
                               ? 1
                               : static_cast<int>(webhook.retry_policy.delays.size()) + 1;
  switch (delivery.state) {
    case DeliveryState::kPending:
      Broken(name, " is still pending");
      break;
    case DeliveryState::kSucceeded:
      break;
    case DeliveryState::kDead:
      if (!retried && delivery.attempt_count < max_attempts &&
          webhook.retry_policy.total_window == absl::InfiniteDuration()) {
        Broken(name, " died after ", delivery.attempt_count, " attempts of ", max_attempts);
      }
      break;
    case DeliveryState::kExpired:
      if (delivery.expire_time > world_->clock().Now()) Broken(name, " expired before its time");
      break;
    case DeliveryState::kDropped:
      // What the server tells of itself is never refused, and so it may have to be dropped.
      if (webhook.max_pending == 0 || (webhook.overflow == OverflowPolicy::kReject && n != 0)) {
        Broken(name, " was dropped, which nobody allowed");
      }
      break;
  }
  const bool gone = std::any_of(receipts_.begin(), receipts_.end(), [&](const Receipt& receipt) {
    return receipt.uid == uid && receipt.n == n && receipt.http_status == 410;
  });  // which suspends, and costs the delivery nothing
  if (!retried && !gone && delivery.attempt_count > max_attempts) {
    Broken(name, " was attempted ", delivery.attempt_count, " times, not ", max_attempts);
  }
  if (n != 0) CheckReceiptsOf(delivery, webhook, n);
}

void Oracle::CheckReceiptsOf(const Delivery& delivery, const Webhook& webhook, int n) {
  const int64_t uid = delivery.key.webhook.uid;
  const std::string name = Name(uid, delivery.key.event_number);
  const bool retried = retried_.contains({uid, delivery.key.event_number});
  const bool best_effort = webhook.guarantee == WebhookGuarantee::kBestEffort;
  const Receipt* before = nullptr;
  bool succeeded = false;
  for (const Receipt& receipt : receipts_) {
    if (receipt.uid != uid || receipt.n != n) continue;
    if (!retried && receipt.wall >= delivery.expire_time + absl::Microseconds(1)) {
      Broken(name, " was sent after it had expired");
    }
    if (before != nullptr && (Succeeds(*before) || best_effort)) {
      ++coverage_.duplicates;
      const bool cause = receipt.incidents > before->incidents || receipt.stale || before->stale;
      if (!cause && !(retried && !Succeeds(*before))) {
        Broken(name, " was received again without a cause");
      }
    }
    succeeded = succeeded || Succeeds(receipt);
    before = &receipt;
  }
  if (delivery.state == DeliveryState::kSucceeded && !succeeded) {
    Broken(name, " counts as succeeded, and its receiver never said so");
  }
}

std::string Oracle::DoorOf(const Webhook& webhook, int64_t number) const {
  const Event& event = events_.at(number);
  return OrderKeyOf(webhook, event.source, event.subject);
}

// What reaches the receiver for the first time, and what it takes for the first time, comes in
// commit order. Not bound: what was retried by hand, and what a server sends that cannot know yet
// that it has lost its lease.
void Oracle::CheckOrder(const Webhook& webhook) {
  const int64_t uid = webhook.key.uid;
  std::map<std::string, int64_t> last_seen, last_taken;
  std::set<int64_t> seen, taken;
  for (const Receipt& receipt : receipts_) {
    const auto found = numbers_.find(receipt.n);
    if (receipt.uid != uid || found == numbers_.end()) continue;
    const int64_t number = found->second;
    if (receipt.stale || retried_.contains({uid, number})) continue;
    if (ledger_->foreign.contains({uid, number})) continue;
    const std::string door = DoorOf(webhook, number);
    const auto check = [&](std::set<int64_t>& known, std::map<std::string, int64_t>& last) {
      if (!known.insert(number).second) return;
      if (number < last[door]) {
        Broken(Name(uid, number), " (event ", receipt.n, ") came after ", last[door]);
      }
      last[door] = std::max(last[door], number);
    };
    check(seen, last_seen);
    if (Succeeds(receipt)) check(taken, last_taken);
  }
}

void Oracle::CheckStats(const Webhook& webhook) {
  WebhookStats stats;
  const auto found = world_->store().LoadStats({kDefaultTenant, webhook.key.uid - 1}, 1);
  if (!found->empty() && found->front().key == webhook.key) stats = found->front();
  std::map<DeliveryState, int64_t> counts;
  bool retried = false;
  for (const auto& [key, delivery] : deliveries_) {
    if (key.first != webhook.key.uid) continue;
    ++counts[delivery.state];
    retried = retried || retried_.contains(key);
  }
  const auto check = [&](const char* what, DeliveryState state, int64_t counted, bool exact) {
    if (exact ? counted != counts[state] : counted < counts[state]) {
      Broken("webhook ", webhook.key.uid, " counts ", counted, " ", what, " of ", counts[state]);
    }
  };
  check("pending", DeliveryState::kPending, stats.pending, true);
  check("succeeded", DeliveryState::kSucceeded, stats.succeeded, true);
  // Totals only grow: a delivery that was dropped while an attempt was in flight may still succeed.
  check("dead", DeliveryState::kDead, stats.dead, !retried);
  check("expired", DeliveryState::kExpired, stats.expired, false);
  check("dropped", DeliveryState::kDropped, stats.dropped, false);
  if (stats.key == webhook.key && !(world_->stats().StatsOf(webhook.key) == stats)) {
    Broken("webhook ", webhook.key.uid, " has other counters in memory than in the store");
  }
}

void Oracle::CheckOperational() {
  bool asked = false;
  for (const auto& [uid, webhook] : webhooks_) {
    for (const EventMatch& match : webhook.any_of) {
      asked = asked || IsOperationalType(match.type_pattern);
    }
  }
  if (!asked) return;
  std::map<std::string, int> told;
  for (const auto& [number, event] : events_) {
    if (event.type != kDeliveryDeadType) continue;
    const size_t begin = event.data.find("\"deliveries/") + 1;
    ++told[event.data.substr(begin, event.data.find('"', begin) - begin)];
  }
  for (const auto& [key, delivery] : deliveries_) {
    const bool about_itself = IsOperationalType(events_.at(key.second).type);
    const bool dead = delivery.state == DeliveryState::kDead && !about_itself;
    if (retried_.contains(key) || (!dead && !about_itself)) continue;
    if (const int times = told[Name(key.first, key.second)]; times != (dead ? 1 : 0)) {
      Broken("the end of ", Name(key.first, key.second), " was told ", times, " times");
    }
  }
}

std::string Oracle::Log() const {
  return absl::StrJoin(receipts_, "\n", [](std::string* out, const Receipt& receipt) {
    const auto seconds = [](absl::Duration time) {
      return absl::StrFormat("%.6f", absl::ToDoubleSeconds(time % absl::Hours(24)));
    };
    absl::StrAppend(out, seconds(receipt.sent), " to ", seconds(receipt.answered), " (",
                    absl::FormatTime(receipt.wall, absl::UTCTimeZone()), "): server ",
                    receipt.server, receipt.stale ? " stale" : "", ", webhook ", receipt.uid,
                    ", event ", receipt.n, ", status ", receipt.http_status, ", breaker ",
                    static_cast<int>(receipt.breaker.state), ", incidents ", receipt.incidents);
  });
}

}  // namespace latchwire::sim
