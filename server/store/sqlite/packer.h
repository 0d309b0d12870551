// The bytes of packed records: numbers of variable length, texts with their length. For the codec
// alone.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/codec.h"

namespace latchwire::sqlite {

class Packer {
 public:
  explicit Packer(std::string* out, uint8_t format = 1) : out_(*out) {
    out_.clear();
    out_.push_back(static_cast<char>(format));
  }
  void Unsigned(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void Signed(int64_t value) {
    Unsigned((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Time(absl::Time time) { Signed(PackTime(time)); }
  void Length(absl::Duration duration) {
    Signed(duration == absl::InfiniteDuration() ? INT64_MAX : absl::ToInt64Microseconds(duration));
  }
  void Real(double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    Unsigned(bits);
  }
  void Bytes(absl::string_view bytes) {
    Unsigned(bytes.size());
    out_.append(bytes.data(), bytes.size());
  }
  void Map(const std::map<std::string, std::string>& map) {
    Unsigned(map.size());
    for (const auto& [key, value] : map) {
      Bytes(key);
      Bytes(value);
    }
  }

 private:
  std::string& out_;
};

class Unpacker {
 public:
  // Knows the formats up to `newest`.
  explicit Unpacker(absl::string_view packed, uint8_t newest = 1) : rest_(packed) {
    format_ = Byte();
    ok_ = format_ >= 1 && format_ <= newest;
  }
  uint8_t format() const { return format_; }

  uint64_t Unsigned() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    const uint64_t value = Unsigned();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  absl::Time Time() { return UnpackTime(Signed()); }
  absl::Duration Length() {
    const int64_t micros = Signed();
    return micros == INT64_MAX ? absl::InfiniteDuration() : absl::Microseconds(micros);
  }
  double Real() {
    const uint64_t bits = Unsigned();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  std::string Bytes() {
    const uint64_t size = Unsigned();
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string bytes(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return bytes;
  }
  std::map<std::string, std::string> Map() {
    std::map<std::string, std::string> map;
    for (uint64_t left = Count(); left > 0 && ok_; --left) {
      std::string key = Bytes();
      map.emplace_hint(map.end(), std::move(key), Bytes());
    }
    return map;
  }
  // Of elements, which take a byte each at least.
  uint64_t Count() {
    const uint64_t count = Unsigned();
    if (count > rest_.size()) ok_ = false;
    return ok_ ? count : 0;
  }
  absl::Status Finish() const {
    if (ok_ && rest_.empty()) return absl::OkStatus();
    return StoreUnavailableError("the database file is damaged: a record cannot be read");
  }

 private:
  uint8_t Byte() {
    if (rest_.empty()) {
      ok_ = false;
      return 0;
    }
    const uint8_t byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  absl::string_view rest_;
  uint8_t format_ = 0;
  bool ok_ = true;
};

}  // namespace latchwire::sqlite
