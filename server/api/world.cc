#include "server/api/world.h"

#include "server/api/time_converter.h"

namespace latchwire {

absl::Time ApiWorld::Now() const { return ToMicroseconds(clock->Now()); }

void AnswerFromStore(ReadPool* reads, Done done, absl::AnyInvocable<absl::Status(Store&)> read) {
  // Shared, because a full pool drops the read with everything in it.
  auto shared = std::make_shared<Done>(std::move(done));
  const bool taken = reads->Submit(
      [shared, read = std::move(read)](Store& store) mutable { (*shared)(read(store)); });
  if (!taken) (*shared)(Overloaded("the queue of reads"));
}

}  // namespace latchwire
