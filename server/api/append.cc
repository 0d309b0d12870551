#include "server/api/append.h"

#include <utility>
#include <vector>

namespace latchwire {
namespace {

void Submit(const ApiWorld* world, AppendEvents append, int rematches,
            absl::AnyInvocable<void(AppendEvents)> done) {
  MatchTargets(*world->catalog, &append);
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
  return status.code() == absl::StatusCode::kAborted && ReasonOf(status) == "STALE_GENERATION";
}

void Append(const ApiWorld& world, AppendEvents append,
            absl::AnyInvocable<void(AppendEvents)> done) {
  Submit(&world, std::move(append), 0, std::move(done));
}

}  // namespace latchwire
