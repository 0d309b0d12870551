#include "server/jobs/janitor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// Rows, or events, of one step. A step of the largest size holds the writer for some 20 ms.
constexpr int kSmallStep = 250;
constexpr int kLargeStep = 2000;
constexpr absl::Duration kLeastBreather = absl::Milliseconds(10);
constexpr absl::Duration kLongestBreather = absl::Seconds(1);
constexpr size_t kTenantsPerRead = 256;

}  // namespace

std::shared_ptr<Janitor> Janitor::Start(const World& world, absl::Duration interval) {
  auto janitor = std::make_shared<Janitor>(world, interval);
  janitor->Wait(interval, &Janitor::StartRound);
  return janitor;
}

void Janitor::Wait(absl::Duration delay, void (Janitor::*then)()) {
  world_.executor->PostAfter(delay, [self = shared_from_this(), then] { (self.get()->*then)(); });
}

void Janitor::StartRound() {
  LATCHWIRE_CHECK(!stepping_ && again_.empty(), "a round begins when the last one is over");
  tasks_ = {{Kind::kPurge, 0, kSmallStep}, {Kind::kExpire, 0, kSmallStep}};
  next_ = 0;
  again_.clear();
  TenantId after = 0;
  while (true) {
    const std::vector<Tenant> tenants = world_.configuration->ListTenants(after, kTenantsPerRead);
    for (const Tenant& tenant : tenants) {
      if (tenant.stored_events > 0) tasks_.push_back({Kind::kRetention, tenant.id, kSmallStep});
      after = tenant.id;
    }
    if (tenants.size() < kTenantsPerRead) break;
  }
  Next();
}

void Janitor::Next() {
  if (next_ == tasks_.size()) {
    tasks_ = std::exchange(again_, {});
    next_ = 0;
    if (tasks_.empty()) {
      Wait(interval_, &Janitor::StartRound);
      return;
    }
  }
  LATCHWIRE_CHECK(!stepping_, "one step at a time");
  LATCHWIRE_DCHECK(tasks_[next_].limit >= kSmallStep && tasks_[next_].limit <= kLargeStep);
  stepping_ = true;
  const Task task = tasks_[next_++];
  const absl::Duration start = world_.clock->Monotonic();
  switch (task.kind) {
    case Kind::kPurge:
      return Submit(task, start, PurgeDeleted{task.limit});
    case Kind::kExpire:
      return Submit(task, start, ExpireDeliveries{world_.clock->Now(), task.limit});
    case Kind::kRetention:
      return Submit(task, start, RetentionOf(task));
  }
}

template <typename M>
void Janitor::Submit(const Task& task, absl::Duration start, M mutation) {
  world_.writer->Submit(
      std::move(mutation), [self = shared_from_this(), task, start](const Written<M>& written) {
        if (ReasonOf(written.result.status()) == error_reason::kShuttingDown) return;
        const bool more = written.result.ok() && self->Count(task, *written.result);
        self->Ended(task, start, more);
      });
}

DeleteOldEvents Janitor::RetentionOf(const Task& task) const {
  DeleteOldEvents del;
  del.tenant = task.tenant;
  del.limit = task.limit;
  // Nothing is old of a tenant that is not known any more.
  del.stored_before = del.held_before = absl::InfinitePast();
  if (const std::optional<Tenant> tenant = world_.configuration->FindTenant(task.tenant)) {
    del.stored_before = world_.clock->Now() - tenant->settings.event_retention;
    del.held_before = del.stored_before - tenant->settings.max_held_time;
  }
  return del;
}

void Janitor::Ended(Task task, absl::Duration start, bool more) {
  if (more) {
    task.limit = std::min(2 * task.limit, kLargeStep);
    again_.push_back(task);
  }
  LATCHWIRE_CHECK(stepping_);
  stepping_ = false;
  const absl::Duration took = world_.clock->Monotonic() - start;
  Wait(std::clamp(3 * took, kLeastBreather, kLongestBreather), &Janitor::Next);
}

bool Janitor::Count(const Task&, const PurgeDeleted::Result& purged) { return purged.more; }

bool Janitor::Count(const Task&, const ExpireDeliveries::Result& expired) {
  counters_.expired_deliveries += expired.expired_deliveries;
  return expired.more;
}

bool Janitor::Count(const Task& task, const DeleteOldEvents::Result& deleted) {
  counters_.deleted_events += deleted.deleted_events;
  counters_.expired_deliveries += deleted.expired_deliveries;
  int64_t& held = held_[task.tenant];
  counters_.held_events += deleted.held_events - held;
  held = deleted.held_events;
  return deleted.more;
}

}  // namespace latchwire
