// The webhooks that have had work since the start, and the memory that their deliveries share.
#pragma once

#include <cstddef>
#include <memory>

#include "absl/container/btree_map.h"
#include "core/base/clock.h"
#include "core/delivery/fair_share.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/lease_keeper.h"
#include "server/delivery/webhook_entry.h"
#include "server/delivery/work_finder.h"
#include "server/state/configuration.h"
#include "server/state/stats_board.h"

namespace latchwire {

// Belongs to the executor's thread.
class WebhookTable {
 public:
  struct World {
    const Clock* clock;
    const Configuration* configuration;
    StatsBoard* stats;  // is told of breakers and crowding
    const LeaseKeeper* leases;
    const WorkFinder* work;
    EngineCounters* counters;
  };
  // Limits of the deliveries waiting in memory; the rest waits in the store.
  struct Limits {
    size_t ready_per_webhook;  // deliveries
    size_t ready_bytes;        // over all webhooks, by fair shares
  };

  WebhookTable(World world, Limits limits);

  WebhookEntry* Find(WebhookKey key);  // null if there is none
  // Makes the entry if the webhook exists; null if it does not, or is deleted.
  WebhookEntry* FindOrMake(WebhookKey key);
  // An entry that must exist, because a delivery is taken from its queue.
  WebhookEntry& At(WebhookKey key);
  // Erases the entry of a deleted webhook once nothing is taken from its queue and no load is
  // running. `entry` is then invalid.
  void EraseIfDone(const WebhookEntry& entry);
  template <typename Function>
  void ForEach(Function function) {
    for (auto& [key, entry] : entries_) function(*entry);
  }

  // Whether attempts may be made for it at all: it exists, is active and is owned.
  bool MayAttempt(const WebhookEntry& entry) const {
    return entry.webhook != nullptr && Delivers(entry.webhook->state) &&
           world_.leases->Owns(entry.key);
  }
  // Whether its pending deliveries are worth keeping in memory: dropped ones are loaded again when
  // they may be attempted.
  bool KeepsReady(const WebhookEntry& entry) const {
    return MayAttempt(entry) && entry.breaker.state() != BreakerState::kOpen;
  }
  void DropReadyUnlessKept(WebhookEntry& entry) {
    if (!KeepsReady(entry)) entry.queue->DropReady();
  }
  // Whether its share of the memory allows more.
  bool HasMemory(const WebhookEntry& entry) const {
    return memory_.MayTake(entry.account.ready_bytes, entry.suspect);
  }

  // Updates shared and displayed state from the entry: memory, counters, crowding. Call it after
  // every change to its queue.
  void Account(WebhookEntry& entry);
  // Counts each time that a webhook begins to wait for its rate.
  void AccountRate(WebhookEntry& entry, bool waits);
  // The webhook has become a suspect, or is no longer one.
  void SetSuspect(WebhookEntry& entry, bool suspect);
  // Updates the stats board; call it after every change of the breaker's state.
  void ShowBreaker(const WebhookEntry& entry);

 private:
  const World world_;
  const Limits limits_;
  FairShare memory_;
  absl::btree_map<WebhookKey, std::unique_ptr<WebhookEntry>> entries_;
};

}  // namespace latchwire
