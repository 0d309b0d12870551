#include "core/base/error.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(ErrorTest, CarriesReasonMetadataAndRetryAfter) {
  const absl::Status status = WithRetryAfter(
      MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED", "queue full", {{"limit", "7"}}),
      absl::Milliseconds(1500));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_EQ(MetadataOf(status), (std::map<std::string, std::string>{{"limit", "7"}}));
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(1500));
}

TEST(ErrorTest, PlainStatusHasNone) {
  const absl::Status status = absl::InternalError("x");
  EXPECT_EQ(ReasonOf(status), "");
  EXPECT_TRUE(MetadataOf(status).empty());
  EXPECT_FALSE(RetryAfterOf(status).has_value());
}

}  // namespace
}  // namespace latchwire
