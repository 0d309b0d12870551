// Shared by the spool's own files only.
#pragma once

#include <memory>
#include <vector>

#include "edge-agent/spool/spool.h"

namespace latchwire::edge {

inline constexpr char kCursorsFile[] = "cursors";
inline constexpr char kCleanFile[] = "clean";

struct Spool::Segment {
  // A lane's records in this segment.
  struct Span {
    uint64_t first = 0;  // 0: nothing
    uint64_t last = 0;
    uint64_t count = 0;
    uint64_t first_offset = 0;
  };

  explicit Segment(SegmentName segment_name) : name(segment_name) {}

  const SegmentName name;
  // Set for the active segment only; used on the executor only.
  std::unique_ptr<SpoolFile> file;
  // Guarded by the spool's mutex.
  uint64_t durable_bytes = kSegmentHeaderBytes;
  std::array<Span, kSpoolLanes> lanes;
  bool active = false;
  bool removed = false;

  void Add(int lane, uint64_t sequence, uint64_t offset) {
    Span& span = lanes[lane];
    if (span.first == 0) {
      span.first = sequence;
      span.first_offset = offset;
    }
    span.last = sequence;
    ++span.count;
  }
};

struct Spool::EpochState {
  uint64_t epoch = 0;
  uint32_t generation = 0;
  LaneSequences last{};
  LaneSequences acked{};
};

struct Spool::Waiting {
  std::vector<SpoolRecord> records;
  size_t payload_bytes = 0;
  uint64_t disk_bytes = 0;
  Done done;
};

struct Spool::ReadPosition {
  std::shared_ptr<Segment> segment;
  std::shared_ptr<SpoolFile> file;
  uint64_t after = 0;   // sequence
  uint64_t offset = 0;  // of the record behind it
};

}  // namespace latchwire::edge
