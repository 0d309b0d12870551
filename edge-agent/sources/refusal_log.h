// Records refused requests for installers who wonder why a device's events do not arrive.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace latchwire::edge {

struct Refusal {
  absl::Time time = {};  // set by the log
  std::string peer = {};
  std::string method = {};   // empty from a source that has none
  std::string path = {};     // without secrets: see MaskTarget
  std::string query = {};    // its values masked
  std::string family = {};   // empty if the path belongs to none
  int status = 0;            // as answered; 0 from a source that answers nothing
  std::string reason = {};   // of the error
  std::string nearest = {};  // the right path that is nearest; empty if nothing comes near
};

struct RefusalCount {
  std::string family;
  std::string reason;
  uint64_t count = 0;
};

// Makes a request target safe to show: whatever follows a `=` is masked, in the path too, where a
// device puts its token if it gets the `?` wrong; bytes that are not printable ASCII are escaped,
// and each part is cut after 128 bytes. Returns path and query.
std::pair<std::string, std::string> MaskTarget(absl::string_view target);

// Thread-safe, and bounded whatever peers do: counters by family and reason, which are few, and the
// last 20 refusals. One warning is logged per peer, path and reason and minute, and of at most 256
// of those in any minute.
class RefusalLog {
 public:
  static constexpr size_t kMaxRecent = 20;
  static constexpr size_t kMaxWarnedAbout = 256;
  static constexpr absl::Duration kWarningInterval = absl::Minutes(1);

  explicit RefusalLog(const Clock* clock) : clock_(clock) {}

  void Add(Refusal refusal);

  std::vector<Refusal> Recent() const;  // newest first
  std::vector<RefusalCount> Counts() const;
  uint64_t total() const;

 private:
  struct Warned {
    absl::Duration last;  // monotonic
    uint64_t unlogged = 0;
  };
  struct Warning {
    bool crowded = false;   // about too many peers and paths, not about this one
    uint64_t unlogged = 0;  // refusals since the last such line
  };
  // What to log, if anything.
  std::optional<Warning> WarningFor(const Refusal& refusal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;

  mutable Mutex mutex_;
  std::deque<Refusal> recent_ ABSL_GUARDED_BY(mutex_);  // newest first
  std::map<std::pair<std::string, std::string>, uint64_t> counts_ ABSL_GUARDED_BY(mutex_);
  uint64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Warned> warned_ ABSL_GUARDED_BY(mutex_);
  Warned crowded_ ABSL_GUARDED_BY(mutex_) = {-absl::InfiniteDuration()};
};

}  // namespace latchwire::edge
