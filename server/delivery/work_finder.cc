#include "server/delivery/work_finder.h"

#include <utility>

namespace latchwire {
namespace {

constexpr int kPageSize = 1000;
constexpr absl::Duration kFailedRetry = absl::Seconds(1);

}  // namespace

void WorkFinder::Start() {
  ++search_;
  complete_ = false;
  Load(WebhookKey{});
}

void WorkFinder::Load(WebhookKey after) {
  reads_->SubmitAlways([this, search = search_, after](Store& store) {
    executor_->Post([this, search, after, work = store.LoadWork(after, kPageSize)] {
      if (search == search_) OnLoaded(after, work);
    });
  });
}

void WorkFinder::OnLoaded(WebhookKey after, const absl::StatusOr<std::vector<WebhookWork>>& work) {
  if (!work.ok()) {
    executor_->PostAfter(kFailedRetry, [this, search = search_, after] {
      if (search == search_) Load(after);
    });
    return;
  }
  complete_ = work->empty();
  if (!complete_) Load(work->back().webhook);
  found_(*work);
}

}  // namespace latchwire
