#include "edge-agent/spool/segment.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "core/base/crypto.h"

namespace latchwire::edge {
namespace {

constexpr absl::string_view kMagic = "LWSPOOL1";
constexpr absl::string_view kSuffix = ".segment";
constexpr uint8_t kMore = 1;
constexpr size_t kWindowBytes = 256 * 1024;

template <typename T>
void PutInteger(T value, std::string* out) {
  for (size_t i = 0; i < sizeof(T); ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

template <typename T>
T GetInteger(const char* data) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<uint8_t>(data[i])) << (8 * i));
  }
  return value;
}

uint32_t EpochSeed(uint64_t epoch) {
  std::string bytes;
  PutInteger(epoch, &bytes);
  return Crc32c(bytes);
}

bool ParseHex(absl::string_view text, uint64_t* out) {
  *out = 0;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c)) || absl::ascii_isupper(c)) {
      return false;
    }
    *out = *out << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return true;
}

}  // namespace

std::string SegmentName::ToString() const {
  return absl::StrFormat("%08x-%016x-%08x%s", generation, epoch, index, kSuffix);
}

std::optional<SegmentName> SegmentName::Parse(absl::string_view name) {
  if (name.size() != 34 + kSuffix.size() || name.substr(34) != kSuffix || name[8] != '-' ||
      name[25] != '-') {
    return std::nullopt;
  }
  uint64_t generation = 0, epoch = 0, index = 0;
  if (!ParseHex(name.substr(0, 8), &generation) || !ParseHex(name.substr(9, 16), &epoch) ||
      !ParseHex(name.substr(26, 8), &index)) {
    return std::nullopt;
  }
  return SegmentName{static_cast<uint32_t>(generation), epoch, static_cast<uint32_t>(index)};
}

std::string EncodeSegmentHeader(const SegmentName& name) {
  std::string out(kMagic);
  PutInteger(name.epoch, &out);
  PutInteger(name.generation, &out);
  PutInteger(Crc32c(out), &out);
  return out;
}

uint32_t EncodeRecord(uint64_t epoch, int lane, uint64_t sequence, bool more, uint32_t synced,
                      absl::string_view payload, std::string* out) {
  std::string header;
  PutInteger(static_cast<uint32_t>(payload.size()), &header);
  PutInteger(sequence, &header);
  header.push_back(static_cast<char>(lane));
  header.push_back(static_cast<char>(more ? kMore : 0));
  PutInteger(uint16_t{0}, &header);
  PutInteger(synced, &header);
  const uint32_t checksum = Crc32c(payload, Crc32c(header, EpochSeed(epoch)));
  PutInteger(checksum, out);
  out->append(header);
  out->append(payload.data(), payload.size());
  return checksum;
}

bool SegmentReader::Load(size_t size) {
  if (offset_ + size > end_) return false;
  if (offset_ >= buffer_offset_ && offset_ + size <= buffer_offset_ + buffer_.size()) return true;
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(std::max(size, kWindowBytes), end_ - offset_));
  buffer_.resize(wanted);
  buffer_offset_ = offset_;
  const auto got = file_->ReadAt(offset_, wanted, buffer_.data());
  buffer_.resize(got.ok() ? *got : 0);
  if (!got.ok()) unreadable_ = true;
  return buffer_.size() >= size;
}

std::optional<SegmentRecord> SegmentReader::ParseHere(bool with_payload) {
  if (!Load(kRecordHeaderBytes)) return std::nullopt;
  const char* header = buffer_.data() + (offset_ - buffer_offset_);
  const uint32_t length = GetInteger<uint32_t>(header + 4);
  const uint8_t lane = static_cast<uint8_t>(header[16]);
  const uint8_t flags = static_cast<uint8_t>(header[17]);
  SegmentRecord record;
  record.checksum = GetInteger<uint32_t>(header);
  record.sequence = GetInteger<uint64_t>(header + 8);
  if (length > kMaxRecordBytes || lane >= kSpoolLanes || flags > kMore ||
      GetInteger<uint16_t>(header + 18) != 0 || record.sequence == 0) {
    return std::nullopt;
  }
  if (!Load(kRecordHeaderBytes + length)) return std::nullopt;
  header = buffer_.data() + (offset_ - buffer_offset_);
  const absl::string_view covered(header + 4, kRecordHeaderBytes - 4 + length);
  if (Crc32c(covered, EpochSeed(epoch_)) != record.checksum) return std::nullopt;
  record.lane = lane;
  record.synced = GetInteger<uint32_t>(header + 20);
  record.offset = offset_;
  record.more = (flags & kMore) != 0;
  if (with_payload) record.payload.assign(header + kRecordHeaderBytes, length);
  record.end_offset = offset_ + kRecordHeaderBytes + length;
  return record;
}

std::optional<SegmentRecord> SegmentReader::Next(bool with_payload) {
  const uint64_t start = offset_;
  while (offset_ < end_ && !unreadable_) {
    if (auto record = ParseHere(with_payload)) {
      record->follows_damage = offset_ != start;
      offset_ = record->end_offset;
      return record;
    }
    damaged_ = true;
    ++offset_;
  }
  if (unreadable_) damaged_ = true;
  return std::nullopt;
}

}  // namespace latchwire::edge
