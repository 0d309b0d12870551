#include "server/api/status.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "core/base/log.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace latchwire {
namespace {

constexpr absl::string_view kDomain = "latchwire.dev";
constexpr absl::string_view kViolationsUrl = "latchwire.dev/bad_request";

// gRPC clients take 8 KiB of trailers by default, which hold the message and, in base64, the
// details.
constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxViolationsBytes = 3 * 1024;
constexpr size_t kMaxViolationTextBytes = 300;
constexpr size_t kMaxMetadataBytes = 256;

std::string Cut(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

google::rpc::BadRequest ToBadRequest(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad_request;
  size_t bytes = 0;
  for (size_t i = 0; i < violations.size(); ++i) {
    const std::string field = Cut(violations[i].field, kMaxViolationTextBytes);
    const std::string description = Cut(violations[i].description, kMaxViolationTextBytes);
    bytes += field.size() + description.size() + 8;
    auto* violation = bad_request.add_field_violations();
    if (bytes > kMaxViolationsBytes) {
      violation->set_description(absl::StrCat(violations.size() - i, " more fields are invalid"));
      break;
    }
    violation->set_field(field);
    violation->set_description(description);
  }
  return bad_request;
}

// What a status without a reason means for the client.
absl::Status Unexpected(const absl::Status& status) {
  Log(LogLevel::kError, "call failed unexpectedly", {{"status", status.ToString()}});
  return MakeError(absl::StatusCode::kInternal, error_reason::kInternal,
                   "a fault of the server; its log has the details");
}

}  // namespace

absl::Status InvalidArgument(const std::vector<FieldViolation>& violations) {
  std::string message;
  for (const FieldViolation& violation : violations) {
    if (message.size() > kMaxMessageBytes) break;
    absl::StrAppend(&message, message.empty() ? "" : "; ",
                    violation.field.empty() ? "request" : violation.field, " ",
                    violation.description);
  }
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid,
                                  Cut(message, kMaxMessageBytes));
  status.SetPayload(kViolationsUrl, absl::Cord(ToBadRequest(violations).SerializeAsString()));
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  return InvalidArgument({{std::string(field), std::string(description)}});
}

absl::Status NotFound(absl::string_view reason, absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, reason,
                   absl::StrCat(Cut(name, kMaxMetadataBytes), " was not found"),
                   {{"name", std::string(name)}});
}

absl::Status Overloaded(absl::string_view what) {
  return WithRetryAfter(MakeError(absl::StatusCode::kResourceExhausted, error_reason::kOverloaded,
                                  absl::StrCat(what, " is full")),
                        absl::Seconds(1));
}

absl::Status ShuttingDown() {
  return MakeError(absl::StatusCode::kUnavailable, error_reason::kShuttingDown,
                   "server is shutting down");
}

absl::Status WithMetadata(const absl::Status& status, absl::string_view key,
                          absl::string_view value) {
  auto metadata = MetadataOf(status);
  metadata[std::string(key)] = std::string(value);
  absl::Status changed = MakeError(status.code(), ReasonOf(status), status.message(), metadata);
  if (const auto retry_after = RetryAfterOf(status)) {
    changed = WithRetryAfter(std::move(changed), *retry_after);
  }
  return changed;
}

grpc::Status ToGrpcStatus(const absl::Status& given) {
  if (given.ok()) return grpc::Status::OK;
  std::string reason = ReasonOf(given);
  const absl::Status status = reason.empty() ? Unexpected(given) : given;
  if (reason.empty()) reason = std::string(error_reason::kInternal);

  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(Cut(status.message(), kMaxMessageBytes));

  google::rpc::ErrorInfo info;
  info.set_domain(std::string(kDomain));
  info.set_reason(reason);
  for (const auto& [key, value] : MetadataOf(status)) {
    (*info.mutable_metadata())[key] = Cut(value, kMaxMetadataBytes);
  }
  rpc.add_details()->PackFrom(info);
  if (const auto violations = status.GetPayload(kViolationsUrl)) {
    google::rpc::BadRequest bad_request;
    if (bad_request.ParseFromString(std::string(*violations))) {
      rpc.add_details()->PackFrom(bad_request);
    }
  }
  if (const auto retry_after = RetryAfterOf(status)) {
    google::rpc::RetryInfo retry;
    const int64_t ms = absl::ToInt64Milliseconds(*retry_after);
    retry.mutable_retry_delay()->set_seconds(ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
    rpc.add_details()->PackFrom(retry);
  }
  // The codes of absl and gRPC are the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), rpc.message(),
                      rpc.SerializeAsString());
}

}  // namespace latchwire
