// How the engine comes to own webhooks, finds their work, and lets them go.
#include <utility>

#include "server/delivery/engine.h"

namespace latchwire {
namespace {

constexpr int kWorkPage = 1000;
constexpr absl::Duration kFailedRetry = absl::Seconds(1);

}  // namespace

void Engine::RenewLeases() {
  AcquireLeases acquire;
  acquire.owner = options_.owner;
  acquire.now = world_.clock->Now();
  acquire.duration = options_.lease_duration;
  world_.writer->Submit(std::move(acquire), [this](Mutation done) {
    world_.executor->Post(
        [this, done = std::move(done)] { OnLeases(std::get<AcquireLeases>(done)); });
  });
}

void Engine::OnLeases(const AcquireLeases& leases) {
  if (draining_) return;
  // While the store cannot renew, attempts go on: the fence, not the time, decides what is
  // recorded.
  world_.executor->PostAfter(leases.status.ok() ? options_.lease_duration / 3 : kFailedRetry,
                             [this] {
                               if (!draining_) RenewLeases();
                             });
  if (!leases.status.ok()) return;
  std::array<bool, kPartitionCount> lost{};
  bool gained = false;
  for (int i = 0; i < kPartitionCount; ++i) {
    if (leases.fences[i] == fences_[i]) continue;
    lost[i] = fences_[i] != 0;
    gained = gained || leases.fences[i] != 0;
  }
  fences_ = leases.fences;
  DropPartitions(lost);
  if (gained) {
    work_loaded_ = false;
    LoadWork(WebhookKey{});
  }
}

void Engine::DropPartitions(const std::array<bool, kPartitionCount>& lost) {
  for (auto& [key, entry] : entries_) {
    if (!lost[PartitionOf(key)]) continue;
    // Also what is being loaded, and the belief that the store has no more than the window.
    entry->queue->Invalidate();
    Touch(key, *entry);
  }
}

void Engine::LoadWork(WebhookKey after) {
  world_.reads->SubmitAlways([this, after](Store& store) {
    world_.executor->Post([this, after, work = store.LoadWork(after, kWorkPage)]() mutable {
      OnWork(std::move(work), after);
    });
  });
}

void Engine::OnWork(absl::StatusOr<std::vector<WebhookWork>> work, WebhookKey after) {
  if (draining_) return;
  if (!work.ok()) {
    world_.executor->PostAfter(kFailedRetry, [this, after] { LoadWork(after); });
    return;
  }
  for (const WebhookWork& item : *work) {
    if (!Owns(item.webhook)) continue;
    if (Entry* entry = EntryFor(item.webhook)) {
      entry->queue->MarkStoreWork(item.first_due);
      Touch(item.webhook, *entry);
    }
  }
  if (work->empty()) {
    work_loaded_ = true;
  } else {
    LoadWork(work->back().webhook);
  }
  Dispatch();
}

void Engine::Drain(absl::AnyInvocable<void()> done) {
  world_.executor->Post([this, done = std::move(done)]() mutable {
    draining_ = true;
    drained_ = std::move(done);
    OnDrainStep();
  });
}

void Engine::OnDrainStep() {
  if (!draining_ || !drained_ || in_flight_share_.used() > 0 || recorder_.unrecorded_count() > 0)
    return;
  world_.writer->Submit(ReleaseLeases{options_.owner, {}},
                        [this, done = std::exchange(drained_, nullptr)](Mutation) mutable {
                          world_.executor->Post(std::move(done));
                        });
}

}  // namespace latchwire
