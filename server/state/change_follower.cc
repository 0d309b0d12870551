#include "server/state/change_follower.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// Changes of one poll; there may be more.
constexpr int kPage = 1000;

bool IsStale(const MutationResult& result) {
  return absl::IsAborted(result.status()) &&
         ReasonOf(result.status()) == internal_reason::kStaleGeneration;
}

}  // namespace

void ChangeFollower::Start() { PollAfterInterval(); }

void ChangeFollower::OnCommitted(const WrittenBatch& batch) {
  bool behind = configuration_.IsBehind();
  for (size_t i = 0; i < batch.results().size() && !behind; ++i) {
    // A change of our own makes matches stale, too; then the poll finds nothing to do.
    behind = IsStale(batch.results()[i]);
  }
  if (behind) PollSoon();
}

void ChangeFollower::Stop() {
  MutexLock lock(&mutex_);
  stopped_ = true;
}

void ChangeFollower::PollAfterInterval() {
  executor_.PostAfter(interval_, [self = shared_from_this()] {
    if (self->PollSoon()) self->PollAfterInterval();
  });
}

bool ChangeFollower::PollSoon() {
  MutexLock lock(&mutex_);
  if (stopped_) return false;
  if (std::exchange(polling_, true)) {
    again_ = true;
  } else {
    reads_.SubmitAlways([self = shared_from_this()](Store& store) { self->Poll(store); });
  }
  return true;
}

void ChangeFollower::Poll(Store& store) {
  bool more = true;
  // What fails is tried again at the next poll: the cursor has not moved.
  while (more && PollPage(store, &more).ok()) {
  }
  {
    MutexLock lock(&mutex_);
    LATCHWIRE_CHECK(polling_);
    polling_ = false;
    if (!std::exchange(again_, false)) return;
  }
  PollSoon();
}

absl::Status ChangeFollower::PollPage(Store& store, bool* more) {
  absl::StatusOr<Changes> changes = store.PollChanges(cursor_, kPage);
  if (!changes.ok()) return changes.status();
  LATCHWIRE_CHECK(changes->next >= cursor_, "the change feed runs backwards");
  for (const TenantChange& change : changes->tenants) {
    if (!configuration_.IsBehind(change.tenant, change.generation)) continue;
    if (absl::Status status = configuration_.Reload(store, change.tenant); !status.ok()) {
      return status;
    }
  }
  if (!changes->work.empty()) work_(std::move(changes->work));
  cursor_ = changes->next;
  *more = changes->more;
  return absl::OkStatus();
}

}  // namespace latchwire
