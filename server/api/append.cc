#include "server/api/append.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

void Submit(const ApiWorld* world, AppendEvents append, int rematches,
            absl::AnyInvocable<void(AppendEvents)> done) {
  MatchTargets(*world->configuration, &append);
  Write<AppendEvents>(world->writer, std::move(append),
                      [world, rematches, done = std::move(done)](AppendEvents result) mutable {
                        if (IsStale(result.status) && rematches < kMaxRematches) {
                          Submit(world, std::move(result), rematches + 1, std::move(done));
                          return;
                        }
                        if (IsStale(result.status)) {
                          result.status =
                              Overloaded("the number of webhook changes beside this call");
                        }
                        done(std::move(result));
                      });
}

}  // namespace

bool IsStale(const absl::Status& status) {
  return status.code() == absl::StatusCode::kAborted &&
         ReasonOf(status) == internal_reason::kStaleGeneration;
}

size_t NotStored(const AppendEvents& append) {
  if (!append.status.ok()) return append.events.size();
  return static_cast<size_t>(absl::c_count_if(append.events, [](const NewEvent& event) {
    return event.result != NewEvent::Result::kStored;
  }));
}

void Append(const ApiWorld& world, AppendEvents append,
            absl::AnyInvocable<void(AppendEvents)> done) {
  append.status = world.event_quota->Take(append.tenant, append.events.size());
  if (!append.status.ok()) {
    world.counters->CountRefusal(append.status);
    return done(std::move(append));
  }
  Submit(&world, std::move(append), 0,
         [world = &world, done = std::move(done)](AppendEvents result) mutable {
           world->event_quota->GiveBack(result.tenant, NotStored(result));
           world->counters->CountRefusal(result.status);
           done(std::move(result));
         });
}

}  // namespace latchwire
