// Loads pending deliveries from the store into the queues of webhooks whose memory has run low.
#pragma once

#include <array>
#include <deque>
#include <optional>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/domain/pending_delivery.h"
#include "server/delivery/scheduler.h"
#include "server/delivery/webhook_table.h"
#include "server/state/read_pool.h"

namespace latchwire {

// Runs a few loads at the same time, at most one per webhook and at most half of them for suspects
// (webhooks whose attempts fail), so that suspects never hold up healthy webhooks.
//
// All methods run on the executor's thread. Outlives the executor's and the read pool's last task.
class Loader {
 public:
  Loader(Executor* executor, const Clock* clock, ReadPool* reads, WebhookTable* webhooks,
         Scheduler* scheduler, int max_loads);

  // The webhook wants a load: puts it in line, unless it is in line already or its queue has no
  // room.
  void Enter(WebhookEntry& entry);
  // Starts loads for those in line, healthy ones and suspects in turn.
  void StartLoads();

 private:
  struct Turn {
    WebhookKey webhook;
    bool suspect = false;
  };
  int MaxSuspectLoads() const;
  std::optional<Turn> NextTurn();
  void StartLoad(WebhookEntry& entry, bool suspect);
  // How many deliveries to load; 0: none now.
  int LoadLimit(const WebhookEntry& entry, bool suspect) const;
  void OnLoaded(WebhookKey webhook, bool suspect, absl::StatusOr<DueDeliveries> loaded);

  Executor* const executor_;
  const Clock* const clock_;
  ReadPool* const reads_;
  WebhookTable* const webhooks_;
  Scheduler* const scheduler_;
  const int max_loads_;
  std::array<std::deque<WebhookKey>, 2> lines_;  // of healthy ones, of suspects
  bool suspect_next_ = false;
  int loads_ = 0;
  int suspect_loads_ = 0;  // of loads_
};

}  // namespace latchwire
