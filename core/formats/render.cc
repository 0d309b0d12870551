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
