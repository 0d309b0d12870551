// Clears away what deleted webhooks left, in small steps.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "core/base/executor.h"
#include "server/store/writer.h"

namespace latchwire {

// Looks every `interval`, and soon again while there is more. Bounded: one mutation at a time. The
// executor and the writer outlive what is under way; nothing runs after the writer was closed.
class Janitor : public std::enable_shared_from_this<Janitor> {
 public:
  static void Start(Executor* executor, Writer* writer, absl::Duration interval);
  Janitor(Executor* executor, Writer* writer, absl::Duration interval)
      : executor_(executor), writer_(writer), interval_(interval) {}

 private:
  void Wait(absl::Duration delay);
  void Purge();

  Executor* const executor_;
  Writer* const writer_;
  const absl::Duration interval_;
};

}  // namespace latchwire
