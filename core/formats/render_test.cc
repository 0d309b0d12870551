#include "core/formats/render.h"

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

std::string Rfc3339(absl::Time time) {
  std::string text;
  AppendRfc3339(time, &text);
  return text;
}

TEST(AppendRfc3339, AgreesWithAbseilOnNanosecondsOfFourDigitYears) {
  SeededRandom random(4);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t seconds = static_cast<int64_t>(random.NextUint64() % 315'537'897'600) -
                            62'135'596'800;  // 0001 to 9999
    int64_t nanoseconds = static_cast<int64_t>(random.NextUint64() % 1'000'000'000);
    if (i % 2 == 0) nanoseconds -= nanoseconds % 1'000'000;
    if (i % 7 == 0) nanoseconds = 0;
    const absl::Time time = absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanoseconds);
    ASSERT_EQ(Rfc3339(time), absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone()));
  }
}

TEST(AppendRfc3339, Ends) {
  EXPECT_EQ(Rfc3339(absl::FromUnixSeconds(-62'135'596'800)), "0001-01-01T00:00:00Z");
  EXPECT_EQ(Rfc3339(absl::FromUnixSeconds(253'402'300'799) + absl::Nanoseconds(999'999'999)),
            "9999-12-31T23:59:59.999999999Z");
  EXPECT_EQ(Rfc3339(absl::UnixEpoch() - absl::Nanoseconds(1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(Rfc3339(absl::UnixEpoch() + absl::Nanoseconds(1) / 4), "1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace latchwire
