#include "server/metrics/write_watch.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/base/log.h"

namespace latchwire {

void WriteWatch::OnCommitted(const WrittenBatch& batch) {
  const absl::Span<const MutationResult> results = batch.results();
  if (results.empty()) return;
  // A transaction that failed as a whole fails every mutation in it with the same error.
  const bool failed = std::all_of(results.begin(), results.end(), [](const MutationResult& result) {
    return ReasonOf(result.status()) == error_reason::kStoreUnavailable;
  });
  if (!failed) {
    counters_.commits.fetch_add(1, std::memory_order_relaxed);
    if (counters_.failing.exchange(false)) Log(LogLevel::kInfo, "the store can write again");
    return;
  }
  counters_.failed_commits.fetch_add(1, std::memory_order_relaxed);
  if (counters_.failing.exchange(true)) return;
  Log(LogLevel::kError, "the store cannot write", {{"error", results.front().status().message()}});
}

}  // namespace latchwire
