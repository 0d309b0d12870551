#include "server/delivery/engine.h"

#include <algorithm>
#include <utility>

namespace latchwire {
namespace {

constexpr absl::Duration kFailedLoadRetry = absl::Seconds(1);
// With memory full of waiting deliveries a webhook still gets this many, so that none starves.
constexpr int kLoadWhenFull = 1;
// Wall-clock time may jump; waiting for a due time never takes longer than this without another
// look.
constexpr absl::Duration kMaxTimer = absl::Seconds(30);

}  // namespace

Engine::Engine(World world, EngineOptions options)
    : world_(world),
      options_(std::move(options)),
      recorder_(
          world.executor, world.writer, world.random,
          {[this](std::vector<OutcomeRecorder::Entry> entries) { OnRecorded(std::move(entries)); },
           [this](std::vector<OutcomeRecorder::Entry> entries) { OnFenced(std::move(entries)); }}) {
}

void Engine::Start() {
  world_.writer->AddObserver(this);
  world_.catalog->SetWebhookListener(
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

void Engine::OnCommitted(absl::Span<const Mutation> mutations) {
  std::vector<PendingDelivery> fresh;
  std::vector<WebhookKey> left_to_store;
  size_t bytes = 0;
  const absl::Duration commit_time = world_.clock->Monotonic();
  for (const Mutation& mutation : mutations) {
    if (!StatusOf(mutation).ok()) continue;
    if (const auto* append = std::get_if<AppendEvents>(&mutation)) {
      for (const NewEvent& event : append->events) {
        if (event.result != NewEvent::Result::kStored) continue;
        for (const DeliveryTarget& target : event.targets) {
          const WebhookKey key{append->tenant, target.webhook_uid};
          if (fresh_bytes_.load(std::memory_order_relaxed) + bytes > options_.max_ready_bytes) {
            // The executor is far behind: let the store keep what it has.
            left_to_store.push_back(key);
            continue;
          }
          PendingDelivery& pending = fresh.emplace_back();
          pending.event = event.event;
          pending.commit_time = commit_time;
          pending.delivery.key = {key, event.event->number};
          pending.delivery.create_time = append->now;
          pending.delivery.due_time = append->now;
          pending.delivery.expire_time = target.expire_time;
          pending.delivery.priority = event.event->priority;
          pending.delivery.lane = target.lane;
          bytes += sizeof(PendingDelivery) + event.event->data.size();
        }
      }
    } else if (const auto* retry = std::get_if<RetryDelivery>(&mutation)) {
      left_to_store.push_back(retry->key.webhook);
    }
  }
  if (fresh.empty() && left_to_store.empty()) return;
  fresh_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  world_.executor->Post(
      [this, bytes, fresh = std::move(fresh), left_to_store = std::move(left_to_store)]() mutable {
        fresh_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        for (const WebhookKey& key : left_to_store) {
          if (!Owns(key)) continue;
          if (Entry* entry = EntryFor(key)) {
            entry->queue->MarkStoreWork();
            Touch(key, *entry);
          }
        }
        OnFresh(std::move(fresh));
      });
}

void Engine::OnFresh(std::vector<PendingDelivery> fresh) {
  for (PendingDelivery& delivery : fresh) {
    const WebhookKey key = delivery.delivery.key.webhook;
    if (!Owns(key)) continue;
    Entry* entry = EntryFor(key);
    if (entry == nullptr) continue;  // deleted since
    if (!MayAttempt(*entry) || ready_bytes_ >= options_.max_ready_bytes) {
      entry->queue->MarkStoreWork();
    } else {
      entry->queue->Offer(std::move(delivery));
    }
    Touch(key, *entry);
  }
  Dispatch();
}

Engine::Entry* Engine::FindEntry(WebhookKey key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}

Engine::Entry* Engine::EntryFor(WebhookKey key) {
  if (Entry* entry = FindEntry(key)) return entry->webhook == nullptr ? nullptr : entry;
  std::shared_ptr<const Webhook> webhook = world_.catalog->FindWebhook(key);
  if (webhook == nullptr) return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->queue =
      WebhookQueue::Make(webhook->ordering, options_.max_ready_per_webhook, !work_loaded_);
  entry->webhook = std::move(webhook);
  return entries_.emplace(key, std::move(entry)).first->second.get();
}

void Engine::OnWebhookChanged(WebhookKey key, std::shared_ptr<const Webhook> webhook) {
  Entry* entry = FindEntry(key);
  if (entry == nullptr) return;
  entry->webhook = std::move(webhook);
  // What waits in memory goes back to the store, to come again when (and if) it may be attempted.
  if (!MayAttempt(*entry)) entry->queue->DropReady();
  Touch(key, *entry);
  if (entry->webhook == nullptr && entry->queue->taken_count() == 0 && !entry->queue->loading()) {
    entries_.erase(key);
  }
  Dispatch();
}

bool Engine::MayAttempt(const Entry& entry) const {
  return entry.webhook != nullptr && Delivers(entry.webhook->state) && !draining_ &&
         Owns(entry.webhook->key);
}

void Engine::Touch(WebhookKey key, Entry& entry) {
  ready_bytes_ += entry.queue->ready_bytes() - entry.ready_bytes;
  entry.ready_bytes = entry.queue->ready_bytes();
  counters_.ready_bytes.store(static_cast<int64_t>(ready_bytes_), std::memory_order_relaxed);
  if (!MayAttempt(entry)) {
    SetTimer(key, entry, absl::InfiniteFuture());
    return;
  }
  const absl::Time next_ready = entry.queue->NextReady();
  const absl::Time next_load = entry.queue->NextLoad();
  absl::Time timer = absl::InfiniteFuture();
  const bool finite = (next_ready != absl::InfinitePast() && next_ready != timer) ||
                      (next_load != absl::InfinitePast() && next_load != timer);
  const absl::Time now = finite ? world_.clock->Now() : absl::InfinitePast();
  if (next_ready <= now) {
    const size_t max_in_flight = static_cast<size_t>(entry.webhook->max_in_flight);
    if (!entry.runnable && entry.in_flight < max_in_flight) {
      entry.runnable = true;
      runnable_.push_back(key);
    }
  } else {
    timer = std::min(timer, next_ready);
  }
  if (next_load <= now) {
    if (!entry.load_waiting && entry.queue->HasRoom()) {
      entry.load_waiting = true;
      load_waiting_.push_back(key);
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

void Engine::StartLoads() {
  while (loads_ < options_.max_loads && !load_waiting_.empty()) {
    const WebhookKey key = load_waiting_.front();
    load_waiting_.pop_front();
    Entry* entry = FindEntry(key);
    if (entry == nullptr) continue;
    entry->load_waiting = false;
    const absl::Time now = world_.clock->Now();
    if (!MayAttempt(*entry) || entry->queue->NextLoad() > now) continue;
    const bool full = ready_bytes_ >= options_.max_ready_bytes;
    if (full && entry->queue->ready_count() > 0) {
      // What it has must do until memory is free; it comes back here when it has taken one.
      continue;
    }
    const int limit = full ? kLoadWhenFull : entry->queue->LoadLimit();
    entry->queue->BeginLoad();
    ++loads_;
    auto done = [this, key](absl::StatusOr<DueDeliveries> loaded) {
      world_.executor->Post(
          [this, key, loaded = std::move(loaded)]() mutable { OnLoaded(key, std::move(loaded)); });
    };
    if (entry->queue->ordered()) {
      world_.reads->SubmitAlways([key, now, limit, lanes = entry->queue->ExcludedLanes(),
                                  done = std::move(done)](Store& store) mutable {
        done(store.LoadHeads(key, now, limit, lanes));
      });
    } else {
      world_.reads->SubmitAlways([key, now, limit, numbers = entry->queue->ExcludedNumbers(),
                                  done = std::move(done)](Store& store) mutable {
        done(store.LoadDue(key, now, limit, numbers));
      });
    }
  }
}

void Engine::OnLoaded(WebhookKey key, absl::StatusOr<DueDeliveries> loaded) {
  --loads_;
  if (Entry* entry = FindEntry(key)) {
    if (!loaded.ok()) {
      entry->queue->EndFailedLoad(world_.clock->Now() + kFailedLoadRetry);
    } else {
      entry->queue->EndLoad(*std::move(loaded));
      if (!MayAttempt(*entry)) entry->queue->DropReady();
    }
    Touch(key, *entry);
    if (entry->webhook == nullptr && entry->queue->taken_count() == 0) entries_.erase(key);
  }
  Dispatch();
}

}  // namespace latchwire
