#include "server/delivery/lease_keeper.h"

#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

constexpr absl::Duration kFailedRetry = absl::Seconds(1);

}  // namespace

LeaseKeeper::LeaseKeeper(Executor* executor, const Clock* clock, Writer* writer, std::string owner,
                         absl::Duration duration, Changed changed)
    : executor_(executor),
      clock_(clock),
      writer_(writer),
      owner_(std::move(owner)),
      duration_(duration),
      changed_(std::move(changed)) {}

void LeaseKeeper::Start() {
  writer_->Submit(ReleaseLeases{owner_},
                  [this](const auto&) { executor_->Post([this] { Renew(); }); });
}

void LeaseKeeper::Renew() {
  if (stopped_) return;
  AcquireLeases acquire;
  acquire.owner = owner_;
  acquire.now = clock_->Now();
  acquire.duration = duration_;
  writer_->Submit(std::move(acquire), [this](const Written<AcquireLeases>& written) {
    executor_->Post([this, acquired = written.result] { OnAcquired(acquired); });
  });
}

void LeaseKeeper::RenewAfter(absl::Duration delay) {
  executor_->PostAfter(delay, [this, renewal = ++renewal_] {
    if (renewal == renewal_) Renew();
  });
}

void LeaseKeeper::OnAcquired(const absl::StatusOr<AcquireLeases::Result>& acquired) {
  if (stopped_) return;
  RenewAfter(acquired.ok() ? duration_ / 3 : kFailedRetry);
  if (!acquired.ok()) return;
  const auto& fences = acquired->fences;
  Partitions lost;
  bool gained = false;
  for (size_t i = 0; i < fences.size(); ++i) {
    if (fences[i] == fences_[i]) continue;
    LATCHWIRE_DCHECK(fences[i] == 0 || fences[i] > fences_[i], "partition ", i, " got fence ",
                     fences[i], " after ", fences_[i]);
    lost[i] = fences_[i] != 0;
    gained = gained || fences[i] != 0;
  }
  fences_ = fences;
  if (lost.any() || gained) changed_(lost, gained);
}

int64_t LeaseKeeper::FenceOf(WebhookKey webhook) const {
  LATCHWIRE_CHECK(Owns(webhook), "webhook ", webhook.uid, " of tenant ", webhook.tenant,
                  " is not owned");
  return fences_[static_cast<size_t>(PartitionOf(webhook))];
}

void LeaseKeeper::Stop() { stopped_ = true; }

void LeaseKeeper::Release(absl::AnyInvocable<void()> done) {
  LATCHWIRE_CHECK(stopped_, "leases that are still renewed");
  writer_->Submit(ReleaseLeases{owner_}, [this, done = std::move(done)](const auto&) mutable {
    executor_->Post(std::move(done));
  });
}

}  // namespace latchwire
