#include "clients/cpp/error.h"

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace latchwire {
namespace {

constexpr char kDomain[] = "latchwire.dev";

template <typename Message>
std::optional<Message> Payload(const absl::Status& status) {
  const std::string url = "type.googleapis.com/" + Message::descriptor()->full_name();
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  Message message;
  if (!payload.has_value() || !message.ParseFromString(std::string(*payload))) return std::nullopt;
  return message;
}

}  // namespace

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  if (auto info = Payload<google::rpc::ErrorInfo>(status); info && info->domain() == kDomain) {
    details.reason = info->reason();
    details.metadata.insert(info->metadata().begin(), info->metadata().end());
  }
  if (auto request = Payload<google::rpc::BadRequest>(status)) {
    for (const auto& violation : request->field_violations()) {
      details.field_violations.emplace_back(violation.field(), violation.description());
    }
  }
  if (auto info = Payload<google::rpc::RetryInfo>(status)) {
    details.retry_delay = absl::Seconds(info->retry_delay().seconds()) +
                          absl::Nanoseconds(info->retry_delay().nanos());
  }
  return details;
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // gRPC's codes are Abseil's.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status rich;
  if (rich.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : rich.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

}  // namespace latchwire
