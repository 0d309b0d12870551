// Suspends webhooks whose receivers fail for too long or answer 410 Gone.
#pragma once

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/operational_events.h"
#include "server/state/configuration.h"
#include "server/state/writer.h"

namespace latchwire {

// All methods run on the executor's thread. Outlives the executor's and the writer's last task.
class Suspender {
 public:
  Suspender(Executor* executor, const Clock* clock, Writer* writer,
            const Configuration* configuration, const OperationalEvents* events,
            EngineCounters* counters)
      : executor_(executor),
        clock_(clock),
        writer_(writer),
        configuration_(configuration),
        events_(events),
        counters_(counters) {}

  // Suspends the webhook if its failures have reached its AutoSuspendPolicy.
  void SuspendIfFailing(const Webhook& webhook, const WebhookStats& stats);
  // Suspends the webhook unless it was paused, disabled, suspended or deleted in the meantime;
  // keeps trying until that is written, however often the webhook changes or the store fails. Does
  // nothing if its suspension is in progress.
  void Suspend(WebhookKey webhook, std::string reason);

 private:
  void Write(WebhookKey webhook, std::string reason, int tries);
  void OnWritten(WebhookKey webhook, std::string reason, int tries, const absl::Status& status);

  Executor* const executor_;
  const Clock* const clock_;
  Writer* const writer_;
  const Configuration* const configuration_;
  const OperationalEvents* const events_;
  EngineCounters* const counters_;
  absl::flat_hash_set<WebhookKey> under_way_;
};

}  // namespace latchwire
