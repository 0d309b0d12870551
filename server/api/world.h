// What the services stand on, and the few steps that all of them take with it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/random.h"
#include "core/net/transport.h"
#include "server/api/adapter.h"
#include "server/state/api_counters.h"
#include "server/state/configuration.h"
#include "server/state/event_quota.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer.h"

namespace latchwire {

// Outlives every service. Members are thread-safe.
struct ApiWorld {
  Clock* clock = nullptr;
  Random* random = nullptr;
  Writer* writer = nullptr;
  ReadPool* reads = nullptr;
  Configuration* configuration = nullptr;
  StatsBoard* stats = nullptr;
  Executor* executor = nullptr;  // for what has to happen later
  // One attempt of the webhook's test event, now; see Engine::SendTest.
  std::function<void(std::shared_ptr<const Webhook>, absl::AnyInvocable<void(HttpResult)>)>
      send_test;
  // The ApiServer's own, which it sets.
  EventQuota* event_quota = nullptr;
  ApiCounters* counters = nullptr;

  // The time that is written, to the microsecond as the store keeps it.
  absl::Time Now() const;
};

// Runs `read` on the pool and answers with what it returns; OVERLOADED when the pool is full.
void AnswerFromStore(ReadPool* reads, Done done, absl::AnyInvocable<absl::Status(Store&)> read);

}  // namespace latchwire
