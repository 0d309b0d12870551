// The seam for the ways in which devices' messages arrive: HTTP today. A source hands each message
// to the Intake under the name of a family, whose dialect (core/dialects) interprets the message.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire::edge {

struct SourceStats {
  uint64_t messages = 0;  // those that came, taken in or refused
  uint64_t refused_messages = 0;
};

// A source reports everything that it refuses, itself or because the intake did, to the RefusalLog,
// once. Its factory checks the settings and opens the port or file, so Start cannot fail.
class Source {
 public:
  // Stops if that was not done. The source must outlive the intake's answers to its messages.
  virtual ~Source() = default;

  // A constant, such as "http", for logs and as a label of its counters.
  virtual absl::string_view name() const = 0;
  // The address at which devices reach it, for people: "127.0.0.1:8090".
  virtual std::string Address() const = 0;

  // Begins to take messages, on a thread of the source. May be called once.
  virtual void Start() = 0;
  // Takes no new message, and returns once those in flight are answered, or after 10 s at most. From
  // then on nothing is handed to the intake. Harmless when called again or before Start.
  virtual void Stop() = 0;

  // May be called from any thread.
  virtual SourceStats Stats() const = 0;
};

}  // namespace latchwire::edge
