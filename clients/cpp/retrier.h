// Retries of calls that failed for a passing reason. The connection that does it for each call is
// generated (generate.py).
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/backoff.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "latchwire/client/connection.h"

namespace latchwire::client {

struct RetryOptions {
  // Applies to calls whose CallOptions set none.
  absl::Duration timeout = absl::Seconds(30);
  // Not owned; both must live as long as the connection.
  Clock* clock = SystemClock();
  Random* random = SystemRandom();
  std::function<void(absl::Duration)> sleep;  // absl::SleepFor if unset
};

// Decorates `bare`: each of its calls gets the time that is left as its timeout.
std::shared_ptr<Connection> MakeRetryConnection(std::shared_ptr<Connection> bare,
                                                RetryOptions options);

// Thread-safe as far as the options' Random is.
class Retrier {
 public:
  explicit Retrier(RetryOptions options);

  // Calls `function(options)`, which returns a Status or a StatusOr, until it succeeds, fails for
  // good or has no time left, and returns its last result. `idempotent`: the call does the same
  // when done twice.
  template <typename Function>
  auto Call(bool idempotent, const CallOptions& options, Function function) const {
    const absl::Duration deadline =
        options_.clock->Monotonic() + options.timeout.value_or(options_.timeout);
    Backoff backoff = MakeBackoff();
    for (;;) {
      CallOptions left = options;
      left.timeout = deadline - options_.clock->Monotonic();
      auto result = function(left);
      const std::optional<absl::Duration> wait =
          WaitBeforeRetry(StatusOf(result), idempotent, deadline, &backoff);
      if (!wait.has_value()) return result;
      options_.sleep(*wait);
    }
  }

 private:
  static const absl::Status& StatusOf(const absl::Status& status) { return status; }
  template <typename T>
  static const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
    return result.status();
  }

  Backoff MakeBackoff() const;
  // nullopt when the call is over.
  std::optional<absl::Duration> WaitBeforeRetry(const absl::Status& status, bool idempotent,
                                                absl::Duration deadline, Backoff* backoff) const;

  RetryOptions options_;
};

}  // namespace latchwire::client
