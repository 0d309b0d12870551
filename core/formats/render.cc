#include "core/formats/render.h"

#include <cstdint>

#include "absl/time/civil_time.h"

namespace latchwire {
namespace {

void AppendPadded(int64_t value, int width, std::string* out) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out->append(digits, width);
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text.data() + copied, i - copied);
    copied = i + 1;
    out->push_back('\\');
    switch (c) {
      case '\b':
        out->push_back('b');
        break;
      case '\f':
        out->push_back('f');
        break;
      case '\n':
        out->push_back('n');
        break;
      case '\r':
        out->push_back('r');
        break;
      case '\t':
        out->push_back('t');
        break;
      case '"':
      case '\\':
        out->push_back(static_cast<char>(c));
        break;
      default:
        out->append("u00");
        out->push_back(kHex[c >> 4]);
        out->push_back(kHex[c & 0xF]);
    }
  }
  out->append(text.data() + copied, text.size() - copied);
  out->push_back('"');
}

void AppendRfc3339(absl::Time time, std::string* out) {
  const absl::TimeZone::CivilInfo info = absl::UTCTimeZone().At(time);
  const absl::CivilSecond& second = info.cs;
  AppendPadded(second.year(), 4, out);
  out->push_back('-');
  AppendPadded(second.month(), 2, out);
  out->push_back('-');
  AppendPadded(second.day(), 2, out);
  out->push_back('T');
  AppendPadded(second.hour(), 2, out);
  out->push_back(':');
  AppendPadded(second.minute(), 2, out);
  out->push_back(':');
  AppendPadded(second.second(), 2, out);
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(info.subsecond);
  if (nanoseconds != 0) {
    out->push_back('.');
    AppendPadded(nanoseconds, 9, out);
    out->resize(out->find_last_not_of('0') + 1);
  }
  out->push_back('Z');
}

}  // namespace latchwire
