#include "server/api/world.h"

namespace latchwire {

void AnswerFromStore(ReadPool* reads, Done done, absl::AnyInvocable<absl::Status(Store&)> read) {
  // Shared, because a full pool drops the read with everything in it.
  auto shared = std::make_shared<Done>(std::move(done));
  const bool taken = reads->Submit(
      [shared, read = std::move(read)](Store& store) mutable { (*shared)(read(store)); });
  if (!taken) (*shared)(Overloaded("the queue of reads"));
}

}  // namespace latchwire
