#include "core/base/id.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace latchwire {
namespace {

constexpr int64_t kMaxMillisecond = (int64_t{1} << 48) - 1;

void SetVersion(Uuid& id, uint8_t version) {
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0F) | (version << 4));
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3F) | 0x80);
}

bool IsHyphenPosition(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

Uuid Uuid::MakeV4(Random* random) {
  Uuid id;
  random->Fill(id.bytes.data(), id.bytes.size());
  SetVersion(id, 4);
  return id;
}

// The 12 bits after the version and the first 20 after the variant are one counter. It starts at
// 31 random bits, so that it cannot overflow within a millisecond; 42 bits stay random.
Uuid Uuid::MakeV7(absl::Time now, Random* random) {
  Uuid id;
  random->Fill(id.bytes.data(), id.bytes.size());
  const int64_t millisecond = std::clamp<int64_t>(absl::ToUnixMillis(now), 0, kMaxMillisecond);
  uint32_t counter = (uint32_t{id.bytes[0]} << 24 | uint32_t{id.bytes[1]} << 16 |
                      uint32_t{id.bytes[2]} << 8 | uint32_t{id.bytes[3]}) >>
                     1;
  {
    MutexLock lock(&random->uuid_mutex_);
    if (millisecond == random->uuid_millisecond_) counter = random->uuid_counter_ + 1;
    random->uuid_millisecond_ = millisecond;
    random->uuid_counter_ = counter;
  }
  for (int i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<uint8_t>(millisecond >> (40 - 8 * i));
  }
  id.bytes[6] = static_cast<uint8_t>(counter >> 28);
  id.bytes[7] = static_cast<uint8_t>(counter >> 20);
  id.bytes[8] = static_cast<uint8_t>(counter >> 14 & 0x3F);
  id.bytes[9] = static_cast<uint8_t>(counter >> 6);
  id.bytes[10] = static_cast<uint8_t>((counter & 0x3F) << 2 | (id.bytes[10] & 0x03));
  SetVersion(id, 7);
  return id;
}

std::optional<Uuid> Uuid::Parse(absl::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (IsHyphenPosition(i)) {
      if (c != '-') return std::nullopt;
      continue;
    }
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    uint8_t& byte = id.bytes[nibble / 2];
    byte = static_cast<uint8_t>(byte << 4 | value);
    ++nibble;
  }
  return id;
}

std::string Uuid::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsHyphenPosition(i)) continue;
    const uint8_t byte = bytes[nibble / 2];
    text[i] = kDigits[nibble % 2 == 0 ? byte >> 4 : byte & 0x0F];
    ++nibble;
  }
  return text;
}

}  // namespace latchwire
