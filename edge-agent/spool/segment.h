// A segment: one append-only file of the spool. This header is the format.
//
//   file     <generation, 8 hex>-<epoch, 16 hex>-<index, 8 hex>.segment
//   header   "LWSPOOL1"  epoch u64  generation u32  crc u32                     24 bytes
//   record   crc u32  length u32  sequence u64  lane u8  flags u8  zero u16     24 bytes
//            synced u32  payload (length bytes)
//
// Integers are little-endian. A record's crc is CRC-32C over the rest of its header and its
// payload, seeded by the epoch. So bytes of another spool, of a file deleted earlier, or inside a
// payload that somebody made to look like a record are never taken for one: the epoch is random and
// secret.
//
// Records of all lanes share a segment, so that one fsync covers whatever came in together. Within
// (epoch, lane) sequences rise by one; a hole means damage. Records of one append are all there or
// none: all but the last carry the flag kMore, and a run of kMore at the end of a file without its
// last record counts as never written.
//
// `synced` is how long the file was at the last fsync before the record was written. Damage before
// the highest `synced` in a file struck something that was durable: the records around it are kept,
// the hole is reported. Damage behind it is a write that a power cut tore, of which nobody was told
// that it is safe: the file counts as ending there.
//
// Nothing is ever appended to a segment by a later process, and a segment is never changed but by
// cutting off an append that failed; it is removed whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge-agent/spool/file_system.h"

namespace latchwire::edge {

inline constexpr int kSpoolLanes = 4;
inline constexpr size_t kSegmentHeaderBytes = 24;
inline constexpr size_t kRecordHeaderBytes = 24;
inline constexpr size_t kMaxRecordBytes = 1024 * 1024;

struct SegmentName {
  uint32_t generation = 0;  // counts epochs, which gives them an order
  uint64_t epoch = 0;
  uint32_t index = 0;  // counts all segments of the spool

  std::string ToString() const;
  static std::optional<SegmentName> Parse(absl::string_view name);
};

struct SegmentRecord {
  uint64_t sequence = 0;
  int lane = 0;
  bool more = false;
  uint32_t checksum = 0;
  uint32_t synced = 0;
  std::string payload;  // empty when not asked for
  uint64_t offset = 0;
  uint64_t end_offset = 0;      // where the next record starts
  bool follows_damage = false;  // there is damage between the record before and this one
};

std::string EncodeSegmentHeader(const SegmentName& name);
// Appends the record to `out`; returns its checksum.
uint32_t EncodeRecord(uint64_t epoch, int lane, uint64_t sequence, bool more, uint32_t synced,
                      absl::string_view payload, std::string* out);

// Reads records in file order from `begin` up to `end`, and steps over damage to the next whole
// record. Not thread-safe. The file must outlive it.
class SegmentReader {
 public:
  SegmentReader(const SpoolFile* file, uint64_t epoch, uint64_t begin, uint64_t end)
      : file_(file), epoch_(epoch), offset_(begin), end_(end) {}

  // Returns the next record, or nothing at the end. A file that cannot be read counts as damaged
  // from that place on. Without `with_payload` the payload is checked and left out.
  std::optional<SegmentRecord> Next(bool with_payload);
  // Whether any bytes between `begin` and here were not a record.
  bool damaged() const { return damaged_; }
  // Whether the disk failed to give the bytes at all.
  bool unreadable() const { return unreadable_; }

 private:
  bool Load(size_t size);
  std::optional<SegmentRecord> ParseHere(bool with_payload);

  const SpoolFile* const file_;
  const uint64_t epoch_;
  uint64_t offset_;
  const uint64_t end_;
  bool damaged_ = false;
  bool unreadable_ = false;
  // A window of the file.
  std::string buffer_;
  uint64_t buffer_offset_ = 0;
};

}  // namespace latchwire::edge
