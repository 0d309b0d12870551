#include "server/api/status.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "core/json/utf8.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(StatusTest, CarriesReasonMetadataAndRetry) {
  const grpc::Status status = ToGrpcStatus(WithRetryAfter(
      MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "no", {{"name", "webhooks/1"}}),
      absl::Milliseconds(1500)));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.info.domain(), "latchwire.dev");
  EXPECT_EQ(details.info.reason(), "ETAG_MISMATCH");
  EXPECT_EQ(details.info.metadata().at("name"), "webhooks/1");
  ASSERT_TRUE(details.retry.has_value());
  EXPECT_EQ(details.retry->retry_delay().seconds(), 1);
  EXPECT_EQ(details.retry->retry_delay().nanos(), 500'000'000);
}

TEST(StatusTest, AllViolationsAtOnce) {
  const grpc::Status status =
      ToGrpcStatus(InvalidArgument({{"event.type", "is bad"}, {"event.id", "is worse"}}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "event.type is bad; event.id is worse");
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.info.reason(), "FIELD_INVALID");
  EXPECT_THAT(details.fields(), ElementsAre("event.type", "event.id"));
  EXPECT_FALSE(details.retry.has_value());
}

// gRPC clients refuse trailers of more than 8 KiB, message and base64 of the details together.
TEST(StatusTest, AnyNumberOfViolationsFitsIntoTrailers) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 2000; ++i) {
    violations.push_back({absl::StrCat("events[", i, "].type"), std::string(500, 'x')});
  }
  const grpc::Status status = ToGrpcStatus(InvalidArgument(violations));
  EXPECT_LT(status.error_message().size() + status.error_details().size() * 4 / 3, 7800u);
  const ErrorDetails details = DetailsOf(status);
  const auto& last = *details.bad_request.field_violations().rbegin();
  EXPECT_THAT(last.description(), HasSubstr("more fields are invalid"));
}

TEST(StatusTest, CutsBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\u20ac";  // three bytes each
  for (int shift = 0; shift < 3; ++shift) {
    const grpc::Status status = ToGrpcStatus(InvalidField("f", std::string(shift, 'x') + text));
    EXPECT_NE(CodePointCount(status.error_message()), absl::string_view::npos);
    EXPECT_NE(CodePointCount(DetailsOf(status).bad_request.field_violations(0).description()),
              absl::string_view::npos);
  }
}

TEST(StatusTest, FaultsOfOursAreNotShown) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError("secret at 0x1234"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("0x1234")));
  EXPECT_EQ(DetailsOf(status).info.reason(), "INTERNAL");
}

TEST(StatusTest, WithMetadataKeepsTheRest) {
  const absl::Status status =
      WithMetadata(WithRetryAfter(MakeError(absl::StatusCode::kAborted, "X", "m", {{"a", "1"}}),
                                  absl::Seconds(2)),
                   "b", "2");
  EXPECT_EQ(ReasonOf(status), "X");
  EXPECT_EQ(status.message(), "m");
  EXPECT_EQ(MetadataOf(status), (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(RetryAfterOf(status), absl::Seconds(2));
}

}  // namespace
}  // namespace latchwire
