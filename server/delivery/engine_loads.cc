// How the engine refills its window from the store.
#include <algorithm>
#include <utility>

#include "server/delivery/engine.h"

namespace latchwire {
namespace {

constexpr absl::Duration kFailedLoadRetry = absl::Seconds(1);
// Of one that fails little is needed at a time, and what was loaded is dropped when its breaker
// opens.
constexpr int kSuspectLoad = 256;
// With memory full of waiting deliveries a webhook still gets this many, so that none starves; and
// so does one whose breaker is half open, for its probe.
constexpr int kSmallestLoad = 1;

}  // namespace

bool Engine::TakeLoadTurn(bool* suspect, WebhookKey* key) {
  if (loads_ >= options_.max_loads) return false;
  auto& [healthy, suspects] = load_waiting_;
  const bool suspects_may =
      !suspects.empty() && suspect_loads_ < std::max(options_.max_loads / 2, 1);
  if (healthy.empty() && !suspects_may) return false;
  *suspect = healthy.empty() || (suspects_may && suspects_load_next_);
  suspects_load_next_ = !*suspect;
  std::deque<WebhookKey>& line = load_waiting_[*suspect];
  *key = line.front();
  line.pop_front();
  return true;
}

void Engine::StartLoads() {
  bool suspect = false;
  for (WebhookKey key; TakeLoadTurn(&suspect, &key);) {
    Entry* entry = FindEntry(key);
    if (entry == nullptr) continue;
    entry->load_waiting = false;
    if (KeepsReady(*entry) && entry->queue->NextLoad() <= world_.clock->Now()) {
      StartLoad(key, *entry, suspect);
    } else {
      Touch(key, *entry);  // paused since, or the clock was set back: it waits for its time again
    }
  }
}

void Engine::StartLoad(WebhookKey key, Entry& entry, bool suspect) {
  const bool full = !ready_share_.MayTake(entry.ready_bytes, entry.suspect);
  // With memory full, what it has must do; it comes back here when it has taken one.
  if (full && entry.queue->ready_count() > 0) return;
  int limit = entry.queue->LoadLimit();
  if (suspect) limit = std::min(limit, kSuspectLoad);
  if (full) limit = kSmallestLoad;
  if (entry.breaker.state() == BreakerState::kHalfOpen) {
    if (entry.queue->NextReady() <= world_.clock->Now()) return;
    limit = kSmallestLoad;
  }
  entry.queue->BeginLoad();
  ++loads_;
  suspect_loads_ += suspect;
  auto done = [this, key, suspect](absl::StatusOr<DueDeliveries> loaded) {
    world_.executor->Post([this, key, suspect, loaded = std::move(loaded)]() mutable {
      OnLoaded(key, suspect, std::move(loaded));
    });
  };
  const absl::Time now = world_.clock->Now();
  if (entry.queue->is_ordered()) {
    world_.reads->SubmitAlways([key, now, limit, excluded = entry.queue->ExcludedOrderKeys(),
                                done = std::move(done)](Store& store) mutable {
      done(store.LoadHeads(key, now, limit, excluded));
    });
  } else {
    world_.reads->SubmitAlways([key, now, limit, numbers = entry.queue->ExcludedNumbers(),
                                done = std::move(done)](Store& store) mutable {
      done(store.LoadDue(key, now, limit, numbers));
    });
  }
}

void Engine::OnLoaded(WebhookKey key, bool suspect, absl::StatusOr<DueDeliveries> loaded) {
  --loads_;
  suspect_loads_ -= suspect;
  if (Entry* entry = FindEntry(key)) {
    if (!loaded.ok()) {
      entry->queue->EndFailedLoad(world_.clock->Now() + kFailedLoadRetry);
    } else {
      entry->queue->EndLoad(*std::move(loaded));
      if (!KeepsReady(*entry)) entry->queue->DropReady();
    }
    Touch(key, *entry);
    EraseIfDone(key, *entry);
  }
  Dispatch();
}

}  // namespace latchwire
