// Keeps events that the server will never take, in a file for people to look at.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire::edge {

struct SetAsideEvent {
  absl::Time time;
  uint64_t epoch = 0;
  int lane = 0;
  uint64_t sequence = 0;
  std::string reason;
  std::string detail;
  std::string record;  // a serialised latchwire.v1.Event
};

// May be used by one thread at a time.
class SetAside {
 public:
  virtual ~SetAside() = default;
  // Returns once the event is durable, or why it is not.
  virtual absl::Status Add(const SetAsideEvent& event) = 0;
};

// One JSON object per line: time, epoch, lane, sequence, reason, detail, record (Base64). Past
// `max_bytes` the file becomes `<path>.1`, replacing an older one, and a new one begins.
class SetAsideFile : public SetAside {
 public:
  SetAsideFile(std::string path, uint64_t max_bytes)
      : path_(std::move(path)), max_bytes_(max_bytes) {}
  absl::Status Add(const SetAsideEvent& event) override;

 private:
  const std::string path_;
  const uint64_t max_bytes_;
};

}  // namespace latchwire::edge
