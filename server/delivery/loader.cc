#include "server/delivery/loader.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

constexpr absl::Duration kFailedRetry = absl::Seconds(1);
// A suspect needs few at a time, and what was loaded is dropped when its breaker opens.
constexpr int kSuspectLimit = 256;
// With memory full of waiting deliveries a webhook still gets this many, so that none starves; and
// so does one whose breaker is half open, for its probe.
constexpr int kSmallestLimit = 1;

}  // namespace

Loader::Loader(Executor* executor, const Clock* clock, ReadPool* reads, WebhookTable* webhooks,
               Scheduler* scheduler, int max_loads)
    : executor_(executor),
      clock_(clock),
      reads_(reads),
      webhooks_(webhooks),
      scheduler_(scheduler),
      max_loads_(max_loads) {}

int Loader::MaxSuspectLoads() const { return std::max(max_loads_ / 2, 1); }

void Loader::Enter(WebhookEntry& entry) {
  if (entry.waits_for_load || !entry.queue->HasRoom()) return;
  entry.waits_for_load = true;
  lines_[entry.suspect].push_back(entry.key);
}

std::optional<Loader::Turn> Loader::NextTurn() {
  if (loads_ >= max_loads_) return std::nullopt;
  const auto& [healthy, suspects] = lines_;
  const bool suspects_may = !suspects.empty() && suspect_loads_ < MaxSuspectLoads();
  if (healthy.empty() && !suspects_may) return std::nullopt;
  const bool suspect = healthy.empty() || (suspects_may && suspect_next_);
  suspect_next_ = !suspect;
  std::deque<WebhookKey>& line = lines_[suspect];
  const Turn turn{line.front(), suspect};
  line.pop_front();
  return turn;
}

void Loader::StartLoads() {
  while (const std::optional<Turn> turn = NextTurn()) {
    WebhookEntry* entry = webhooks_->Find(turn->webhook);
    if (entry == nullptr) continue;  // deleted since
    entry->waits_for_load = false;
    if (webhooks_->KeepsReady(*entry) && entry->queue->NextLoad() <= clock_->Now()) {
      StartLoad(*entry, turn->suspect);
    } else {
      // Paused since, or the clock was set back: it waits for its time again.
      scheduler_->Reschedule(*entry);
    }
  }
}

int Loader::LoadLimit(const WebhookEntry& entry, bool suspect) const {
  const bool full = !webhooks_->HasMemory(entry);
  // With memory full, what it has must do; it comes back here when it has taken one.
  if (full && entry.queue->ready_count() > 0) return 0;
  if (entry.breaker.state() == BreakerState::kHalfOpen) {
    return entry.queue->NextReady() <= clock_->Now() ? 0 : kSmallestLimit;
  }
  if (full) return kSmallestLimit;
  const int limit = entry.queue->LoadLimit();
  return suspect ? std::min(limit, kSuspectLimit) : limit;
}

void Loader::StartLoad(WebhookEntry& entry, bool suspect) {
  const int limit = LoadLimit(entry, suspect);
  if (limit == 0) return;
  entry.queue->BeginLoad();
  ++loads_;
  suspect_loads_ += suspect;
  const WebhookKey key = entry.key;
  auto done = [this, key, suspect](absl::StatusOr<DueDeliveries> loaded) {
    executor_->Post([this, key, suspect, loaded = std::move(loaded)]() mutable {
      OnLoaded(key, suspect, std::move(loaded));
    });
  };
  const absl::Time now = clock_->Now();
  if (entry.queue->is_ordered()) {
    reads_->SubmitAlways([key, now, limit, excluded = entry.queue->ExcludedOrderKeys(),
                          done = std::move(done)](Store& store) mutable {
      done(store.LoadHeads(key, now, limit, excluded));
    });
  } else {
    reads_->SubmitAlways([key, now, limit, excluded = entry.queue->ExcludedNumbers(),
                          done = std::move(done)](Store& store) mutable {
      done(store.LoadDue(key, now, limit, excluded));
    });
  }
}

void Loader::OnLoaded(WebhookKey webhook, bool suspect, absl::StatusOr<DueDeliveries> loaded) {
  --loads_;
  suspect_loads_ -= suspect;
  LATCHWIRE_CHECK(suspect_loads_ >= 0 && suspect_loads_ <= loads_ && loads_ < max_loads_);
  if (WebhookEntry* entry = webhooks_->Find(webhook)) {
    if (!loaded.ok()) {
      entry->queue->EndFailedLoad(clock_->Now() + kFailedRetry);
    } else {
      entry->queue->EndLoad(*std::move(loaded));
      webhooks_->DropReadyUnlessKept(*entry);
    }
    scheduler_->Reschedule(*entry);
    webhooks_->EraseIfDone(*entry);
  }
  scheduler_->Dispatch();
}

}  // namespace latchwire
