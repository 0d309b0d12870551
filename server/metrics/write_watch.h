// Tells the operator when the store cannot write, and when it can again: callers get an error, but
// they may be far from the machine whose disk is full.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/types/span.h"
#include "server/state/writer.h"

namespace latchwire {

// Readable from any thread.
struct WriteCounters {
  std::atomic<int64_t> commits{0};         // transactions that are durable
  std::atomic<int64_t> failed_commits{0};  // transactions of which nothing was stored
  std::atomic<bool> failing{false};        // the last one failed
};

// Logs the first failure of a row and the first success after it, not every one.
class WriteWatch : public CommitObserver {
 public:
  void OnCommitted(const WrittenBatch& batch) override;

  const WriteCounters& counters() const { return counters_; }

 private:
  WriteCounters counters_;
};

}  // namespace latchwire
