#include "server/main/janitor.h"

#include <utility>

#include "core/domain/error.h"

namespace latchwire {
namespace {

// Between two steps, so that others' writes come first.
constexpr absl::Duration kBreather = absl::Milliseconds(50);

}  // namespace

void Janitor::Start(Executor* executor, Writer* writer, absl::Duration interval) {
  std::make_shared<Janitor>(executor, writer, interval)->Wait(interval);
}

void Janitor::Wait(absl::Duration delay) {
  executor_->PostAfter(delay, [self = shared_from_this()] { self->Purge(); });
}

void Janitor::Purge() {
  writer_->Submit(PurgeDeleted(), [self = shared_from_this()](Mutation mutation) {
    const auto& purge = std::get<PurgeDeleted>(mutation);
    if (ReasonOf(purge.status) == "SHUTTING_DOWN") return;
    self->Wait(purge.status.ok() && purge.more ? kBreather : self->interval_);
  });
}

}  // namespace latchwire
