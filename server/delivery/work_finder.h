// Finds the webhooks that have pending deliveries in the store, after leases were gained.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/executor.h"
#include "core/domain/pending_delivery.h"
#include "server/state/read_pool.h"

namespace latchwire {

// Reads one page at a time through the read pool. All methods run on the executor's thread.
// Outlives the executor's and the read pool's last task.
class WorkFinder {
 public:
  // Called with each page, owned by this server or not; the last one is empty.
  using Found = absl::AnyInvocable<void(absl::Span<const WebhookWork>)>;

  WorkFinder(Executor* executor, ReadPool* reads, Found found)
      : executor_(executor), reads_(reads), found_(std::move(found)) {}

  // Looks through the whole store, from the first webhook on. A running search is abandoned: it may
  // have passed webhooks that were gained since.
  void Start();
  // Ends the search; it finds nothing more.
  void Stop() { ++search_; }
  // Whether all work that the store held at the last Start has been found. Until then the store may
  // hold work of any webhook that has no entry yet.
  bool complete() const { return complete_; }

 private:
  void Load(WebhookKey after);
  void OnLoaded(WebhookKey after, const absl::StatusOr<std::vector<WebhookWork>>& work);

  Executor* const executor_;
  ReadPool* const reads_;
  Found found_;
  uint64_t search_ = 0;  // counts searches; what an older one reads is dropped
  bool complete_ = false;
};

}  // namespace latchwire
