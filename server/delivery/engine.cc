#include "server/delivery/engine.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {

Engine::Engine(World world, EngineOptions options)
    : world_(world),
      leases_(world.executor, world.clock, world.writer, options.owner, options.lease_duration,
              [this](const LeaseKeeper::Partitions& lost, bool gained) {
                OnLeasesChanged(lost, gained);
              }),
      work_(world.executor, world.reads,
            [this](absl::Span<const WebhookWork> work) { OnWorkFound(work); }),
      webhooks_({world.clock, world.configuration, world.stats, &leases_, &work_, &counters_},
                {options.max_ready_per_webhook, options.max_ready_bytes}),
      timers_(world.executor, world.clock,
              {[this](WebhookKey key) { Reschedule(webhooks_.At(key)); }, [this] { Dispatch(); }}),
      events_(world.clock, world.random, world.configuration),
      suspender_(world.executor, world.clock, world.writer, world.configuration, &events_,
                 &counters_),
      loader_(world.executor, world.clock, world.reads, &webhooks_, this, options.max_loads),
      attempter_({world.executor, world.clock, world.random, world.writer, world.transport,
                  &leases_, &webhooks_, &events_, &suspender_, this, &counters_},
                 {options.max_in_flight, options.max_unrecorded},
                 [this] { leases_.Renew(); }),  // to learn what is still ours
      commits_({world.executor, world.clock, &leases_, &webhooks_, this, &counters_},
               options.max_ready_bytes) {}

void Engine::Start() {
  world_.writer->AddObserver(&commits_);
  world_.configuration->SetWebhookListener(
      [this](WebhookKey key, std::shared_ptr<const Webhook> webhook) {
        world_.executor->Post([this, key, webhook = std::move(webhook)]() mutable {
          OnWebhookChanged(key, std::move(webhook));
        });
      });
  leases_.Start();
}

void Engine::Reschedule(WebhookEntry& entry) {
  webhooks_.Account(entry);
  if (!webhooks_.MayAttempt(entry)) {
    return timers_.Set(entry.key, entry.timer, absl::InfiniteFuture());
  }
  if (entry.breaker.state() == BreakerState::kOpen) {
    if (!entry.breaker.Advance(world_.clock->Monotonic())) {
      return timers_.Set(entry.key, entry.timer, entry.GateTime(*world_.clock));
    }
    webhooks_.ShowBreaker(entry);
  }
  const NextWork next = entry.Next(*world_.clock);
  webhooks_.AccountRate(entry, next.rate_waits);
  absl::Time timer = absl::InfiniteFuture();
  const bool finite = (next.attempt != absl::InfinitePast() && next.attempt != timer) ||
                      (next.load != absl::InfinitePast() && next.load != timer);
  const absl::Time now = finite ? world_.clock->Now() : absl::InfinitePast();
  if (next.attempt <= now) {
    attempter_.Enter(entry);
  } else {
    timer = std::min(timer, next.attempt);
  }
  if (next.load <= now) {
    loader_.Enter(entry);
  } else {
    timer = std::min(timer, next.load);
  }
  timers_.Set(entry.key, entry.timer, timer);
}

void Engine::Dispatch() {
  if (leases_.stopped()) return OnDrainStep();
  attempter_.StartAttempts();
  loader_.StartLoads();
}

void Engine::OnWebhookChanged(WebhookKey key, std::shared_ptr<const Webhook> webhook) {
  WebhookEntry* entry = webhooks_.Find(key);
  if (entry == nullptr) return;
  entry->webhook = std::move(webhook);
  attempter_.Forgive(*entry);
  // What waits in memory goes back to the store, to come again when (and if) it may be attempted.
  webhooks_.DropReadyUnlessKept(*entry);
  Reschedule(*entry);
  webhooks_.EraseIfDone(*entry);
  Dispatch();
}

void Engine::OnLeasesChanged(const LeaseKeeper::Partitions& lost, bool gained) {
  if (lost.any()) {
    webhooks_.ForEach([&](WebhookEntry& entry) {
      if (!lost[static_cast<size_t>(PartitionOf(entry.key))]) return;
      // Also what is being loaded, and the belief that the store has no more than the window.
      entry.queue->Invalidate();
      Reschedule(entry);
    });
  }
  if (gained) work_.Start();
}

void Engine::OnWorkFound(absl::Span<const WebhookWork> work) {
  for (const WebhookWork& item : work) {
    if (!leases_.Owns(item.webhook)) continue;
    if (WebhookEntry* entry = webhooks_.FindOrMake(item.webhook)) {
      entry->queue->MarkStoreWork(item.first_due);
      Reschedule(*entry);
    }
  }
  Dispatch();
}

void Engine::Drain(absl::AnyInvocable<void()> done) {
  world_.executor->Post([this, done = std::move(done)]() mutable {
    LATCHWIRE_CHECK(!leases_.stopped(), "the engine drains already");
    leases_.Stop();
    work_.Stop();
    drained_ = std::move(done);
    OnDrainStep();
  });
}

void Engine::OnDrainStep() {
  if (drained_ && attempter_.idle()) leases_.Release(std::exchange(drained_, nullptr));
}

}  // namespace latchwire
