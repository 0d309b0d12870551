#include "server/delivery/engine.h"

#include <algorithm>
#include <utility>

namespace latchwire {
namespace {

// Wall-clock time may jump; waiting for a due time never takes longer than this without another
// look.
constexpr absl::Duration kMaxTimer = absl::Seconds(30);
// A wall clock that is off by more than this from where it should be has jumped.
constexpr absl::Duration kWallJump = absl::Milliseconds(500);

// At most one under way, whatever max_in_flight says.
size_t MaxInFlight(const Webhook& webhook) {
  return webhook.guarantee == WebhookGuarantee::kBestEffort
             ? 1
             : static_cast<size_t>(webhook.max_in_flight);
}

}  // namespace

Engine::Engine(World world, EngineOptions options)
    : world_(world),
      options_(std::move(options)),
      recorder_(
          world.executor, world.writer, world.random,
          {[this](std::vector<OutcomeRecorder::Entry> entries,
                  absl::Span<const WebhookStats> stats) { OnRecorded(std::move(entries), stats); },
           [this](std::vector<OutcomeRecorder::Entry> entries) { OnFenced(std::move(entries)); },
           [this](absl::Span<const OutcomeRecorder::Entry> entries) {
             return EventsAboutDead(entries);
           },
           [this](size_t count) {
             counters_.operational_events_lost.fetch_add(static_cast<int64_t>(count),
                                                         std::memory_order_relaxed);
           }}),
      wall_start_(world.clock->Now() - world.clock->Monotonic()),
      in_flight_share_(options_.max_in_flight),
      ready_share_(options_.max_ready_bytes) {}

void Engine::Start() {
  world_.writer->AddObserver(this);
  world_.configuration->SetWebhookListener(
      [this](WebhookKey key, std::shared_ptr<const Webhook> webhook) {
        world_.executor->Post([this, key, webhook = std::move(webhook)]() mutable {
          OnWebhookChanged(key, std::move(webhook));
        });
      });
  // Our own leases of a life before: given up first, so that they come back with a higher fence and
  // whatever that life still sends is not recorded.
  world_.writer->Submit(ReleaseLeases{options_.owner, {}},
                        [this](Mutation) { world_.executor->Post([this] { RenewLeases(); }); });
}

Engine::Entry* Engine::FindEntry(WebhookKey key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}

Engine::Entry* Engine::EntryFor(WebhookKey key) {
  if (Entry* entry = FindEntry(key)) return entry->webhook == nullptr ? nullptr : entry;
  std::shared_ptr<const Webhook> webhook = world_.configuration->FindWebhook(key);
  if (webhook == nullptr) return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->queue =
      WebhookQueue::Make(IsOrdered(*webhook), options_.max_ready_per_webhook, !work_loaded_);
  const int64_t failures = world_.stats->StatsOf(key).consecutive_failures;
  entry->suspect = failures > 0;
  entry->breaker = CircuitBreaker(webhook->circuit_breaker, failures);
  entry->webhook = std::move(webhook);
  if (entry->breaker.state() != BreakerState::kClosed) PublishBreaker(key, *entry);
  return entries_.emplace(key, std::move(entry)).first->second.get();
}

void Engine::EraseIfDone(WebhookKey key, const Entry& entry) {
  if (entry.webhook != nullptr || entry.queue->taken_count() > 0 || entry.queue->loading()) return;
  entries_.erase(key);
}

void Engine::OnWebhookChanged(WebhookKey key, std::shared_ptr<const Webhook> webhook) {
  Entry* entry = FindEntry(key);
  if (entry == nullptr) return;
  entry->webhook = std::move(webhook);
  // What is wrong may be right now.
  if (entry->breaker.Close()) PublishBreaker(key, *entry);
  SetSuspect(*entry, false);
  // What waits in memory goes back to the store, to come again when (and if) it may be attempted.
  if (!KeepsReady(*entry)) entry->queue->DropReady();
  Touch(key, *entry);
  EraseIfDone(key, *entry);
  Dispatch();
}

bool Engine::MayAttempt(const Entry& entry) const {
  return entry.webhook != nullptr && Delivers(entry.webhook->state) && !draining_ &&
         Owns(entry.webhook->key);
}

bool Engine::KeepsReady(const Entry& entry) const {
  return MayAttempt(entry) && entry.breaker.state() != BreakerState::kOpen;
}

absl::Time Engine::GateTime(const Entry& entry) const {
  const RateLimit& limit = entry.webhook->rate_limit;
  if (entry.breaker.state() == BreakerState::kClosed && limit.attempts_per_s <= 0) {
    return absl::InfinitePast();
  }
  const absl::Duration now = world_.clock->Monotonic();
  const absl::Duration gate = std::max(entry.breaker.NextStart(), entry.rate.NextStart(limit, now));
  return gate <= now ? absl::InfinitePast() : world_.clock->Now() + (gate - now);
}

bool Engine::MayStart(const Entry& entry) const {
  if (!MayAttempt(entry) || entry.in_flight >= MaxInFlight(*entry.webhook)) return false;
  const absl::Time next_ready = entry.queue->NextReady();
  return next_ready != absl::InfiniteFuture() && GateTime(entry) == absl::InfinitePast() &&
         (next_ready == absl::InfinitePast() || next_ready <= world_.clock->Now());
}

void Engine::SetSuspect(Entry& entry, bool suspect) {
  if (entry.suspect == suspect) return;
  entry.suspect = suspect;
  in_flight_share_.Reclassify(entry.in_flight, suspect);
  ready_share_.Reclassify(entry.ready_bytes, suspect);
}

void Engine::PublishBreaker(WebhookKey key, const Entry& entry) {
  BreakerStatus status;
  status.state = entry.breaker.state();
  status.since = world_.clock->Now();
  if (status.state == BreakerState::kOpen) {
    status.open_until = status.since + (entry.breaker.open_until() - world_.clock->Monotonic());
    counters_.breakers_opened.fetch_add(1, std::memory_order_relaxed);
  }
  world_.stats->SetBreaker(key, status);
}

void Engine::Touch(WebhookKey key, Entry& entry) {
  ready_share_.Give(entry.ready_bytes, entry.suspect);
  entry.ready_bytes = entry.queue->ready_bytes();
  ready_share_.Take(entry.ready_bytes, entry.suspect);
  counters_.ready_bytes.store(static_cast<int64_t>(ready_share_.used()), std::memory_order_relaxed);
  if (const int64_t displaced = entry.queue->displaced_count(); displaced != entry.displaced) {
    counters_.priority_displaced.fetch_add(displaced - entry.displaced, std::memory_order_relaxed);
    entry.displaced = displaced;
  }
  const bool healthy = MayAttempt(entry) && !entry.suspect &&
                       entry.breaker.state() == BreakerState::kClosed &&
                       entry.webhook->rate_limit.attempts_per_s <= 0;
  if (entry.crowding.Update(entry.queue->ready_count(), options_.max_ready_per_webhook, healthy)) {
    world_.stats->SetCrowded(key, entry.crowding.crowded());
  }
  if (!MayAttempt(entry)) {
    SetTimer(key, entry, absl::InfiniteFuture());
    return;
  }
  if (entry.breaker.state() == BreakerState::kOpen &&
      entry.breaker.Advance(world_.clock->Monotonic())) {
    PublishBreaker(key, entry);
  }
  const absl::Time gate = GateTime(entry);
  if (entry.breaker.state() == BreakerState::kOpen) return SetTimer(key, entry, gate);

  absl::Time next_ready = entry.queue->NextReady();
  absl::Time next_load = entry.queue->NextLoad();
  // A half-open breaker needs one delivery at a time, the one that should leave next.
  if (entry.breaker.state() == BreakerState::kHalfOpen && gate == absl::InfiniteFuture()) {
    next_load = absl::InfiniteFuture();
  }
  const bool rate_waits = next_ready != absl::InfiniteFuture() && gate != absl::InfinitePast() &&
                          gate != absl::InfiniteFuture();
  if (rate_waits && !entry.rate_waiting) {
    counters_.rate_limited.fetch_add(1, std::memory_order_relaxed);
  }
  entry.rate_waiting = rate_waits;
  next_ready = std::max(next_ready, gate);

  absl::Time timer = absl::InfiniteFuture();
  const bool finite = (next_ready != absl::InfinitePast() && next_ready != timer) ||
                      (next_load != absl::InfinitePast() && next_load != timer);
  const absl::Time now = finite ? world_.clock->Now() : absl::InfinitePast();
  if (next_ready <= now) {
    if (!entry.runnable && entry.in_flight < MaxInFlight(*entry.webhook)) {
      entry.runnable = true;
      runnable_.push_back(key);
    }
  } else {
    timer = std::min(timer, next_ready);
  }
  if (next_load <= now) {
    if (!entry.load_waiting && entry.queue->HasRoom()) {
      entry.load_waiting = true;
      load_waiting_[entry.suspect].push_back(key);
    }
  } else {
    timer = std::min(timer, next_load);
  }
  SetTimer(key, entry, timer);
}

void Engine::SetTimer(WebhookKey key, Entry& entry, absl::Time time) {
  if (entry.timer == time) return;
  if (entry.timer != absl::InfiniteFuture()) timers_.erase({entry.timer, key});
  entry.timer = time;
  if (time == absl::InfiniteFuture()) return;
  timers_.insert({time, key});
  ArmTimer();
}

void Engine::ArmTimer() {
  if (timers_.empty() || timers_.begin()->first >= armed_) return;
  armed_ = timers_.begin()->first;
  const absl::Duration delay =
      std::clamp(armed_ - world_.clock->Now(), absl::ZeroDuration(), kMaxTimer);
  world_.executor->PostAfter(delay, [this, id = ++timer_id_] { OnTimer(id); });
}

void Engine::OnTimer(uint64_t timer_id) {
  if (timer_id != timer_id_) return;  // another was armed since, for an earlier time
  armed_ = absl::InfiniteFuture();
  CheckWallClock();
  const absl::Time now = world_.clock->Now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const WebhookKey key = timers_.begin()->second;
    Entry& entry = *entries_.at(key);
    SetTimer(key, entry, absl::InfiniteFuture());
    Touch(key, entry);
  }
  ArmTimer();
  Dispatch();
}

void Engine::CheckWallClock() {
  const absl::Time wall_start = world_.clock->Now() - world_.clock->Monotonic();
  if (AbsDuration(wall_start - wall_start_) < kWallJump) return;
  wall_start_ = wall_start;
  // Breakers and rates wait on the monotonic clock, but their timers stand in wall time.
  std::vector<WebhookKey> keys;
  keys.reserve(timers_.size());
  for (const auto& [time, key] : timers_) keys.push_back(key);
  for (const WebhookKey& key : keys) Touch(key, *entries_.at(key));
}

}  // namespace latchwire
