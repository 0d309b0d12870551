#include "server/api/append.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

using AppendDone = absl::AnyInvocable<void(Written<AppendPublished>)>;

void Submit(const ApiWorld* world, AppendPublished append, int rematches, AppendDone done) {
  MatchTargets(*world->configuration, &append);
  world->writer->Submit(std::move(append), [world, rematches, done = std::move(done)](
                                               Written<AppendPublished> written) mutable {
    const bool is_stale = IsStale(written.result.status());
    if (is_stale && rematches < kMaxRematches) {
      return Submit(world, std::move(written.mutation), rematches + 1, std::move(done));
    }
    if (is_stale) written.result = Overloaded("the number of concurrent webhook changes");
    done(std::move(written));
  });
}

}  // namespace

bool IsStale(const absl::Status& status) {
  return status.code() == absl::StatusCode::kAborted &&
         ReasonOf(status) == internal_reason::kStaleGeneration;
}

size_t CountNotStored(const MatchedEvents& append, const AppendResult* result) {
  if (result == nullptr) return append.events.size();
  return static_cast<size_t>(
      absl::c_count_if(result->events, [](const AppendResult::OfEvent& event) {
        return event.kind != AppendResult::Kind::kStored;
      }));
}

void Append(const ApiWorld& world, AppendPublished append, AppendDone done) {
  absl::Status status = world.event_quota->Take(append.tenant, append.events.size());
  if (!status.ok()) {
    world.counters->CountRefusal(status);
    return done({std::move(append), std::move(status)});
  }
  Submit(&world, std::move(append), 0,
         [world = &world, done = std::move(done)](Written<AppendPublished> written) mutable {
           world->event_quota->GiveBack(written.mutation.tenant,
                                        CountNotStored(written.mutation, written.result));
           world->counters->CountRefusal(written.result.status());
           done(std::move(written));
         });
}

}  // namespace latchwire
