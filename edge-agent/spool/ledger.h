// The spool's two small files, both text, both replaced by rename:
//
//   cursors   how far each (epoch, lane) is acked; written now and then. An old or missing one only
//             makes the agent send again what the server then recognises.
//   clean     written last by a clean close, removed durably before anything else by the next open.
//             If it matches, the newest epoch continues; if it is missing, a new one begins.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "edge-agent/spool/segment.h"

namespace latchwire::edge {

using LaneSequences = std::array<uint64_t, kSpoolLanes>;

struct SpoolLedger {
  // Names the machine, the directory and this very file, so that a copy does not match.
  std::string identity;
  // The newest epoch, and the last sequence that was given in each lane.
  uint64_t epoch = 0;
  uint32_t generation = 0;
  LaneSequences last{};
  // By epoch: the last sequence of each lane that is acked.
  std::map<uint64_t, LaneSequences> acked;

  std::string Encode() const;
  // Returns nothing for a text that is torn, damaged or of another version.
  static std::optional<SpoolLedger> Decode(absl::string_view text);
};

}  // namespace latchwire::edge
