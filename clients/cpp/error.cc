#include "latchwire/client/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cpp/grpc_status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace latchwire::client {
namespace {

constexpr char kDomain[] = "latchwire.dev";

template <typename Message>
std::string UrlOf() {
  return absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name());
}

template <typename Message>
std::optional<Message> Payload(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(UrlOf<Message>());
  Message message;
  if (!payload.has_value() || !message.ParseFromString(std::string(*payload))) return std::nullopt;
  return message;
}

template <typename Message>
void SetPayload(const Message& message, absl::Status* status) {
  status->SetPayload(UrlOf<Message>(), absl::Cord(message.SerializeAsString()));
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

absl::Status WithDetails(absl::Status status, const ErrorDetails& details) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(details.reason);
  info.mutable_metadata()->insert(details.metadata.begin(), details.metadata.end());
  if (!details.reason.empty()) SetPayload(info, &status);

  google::rpc::BadRequest request;
  for (const auto& [field, description] : details.field_violations) {
    auto* violation = request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  if (!details.field_violations.empty()) SetPayload(request, &status);

  if (details.retry_delay.has_value()) {
    google::rpc::RetryInfo retry;
    const int64_t seconds = absl::ToInt64Seconds(*details.retry_delay);
    retry.mutable_retry_delay()->set_seconds(seconds);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(*details.retry_delay - absl::Seconds(seconds))));
    SetPayload(retry, &status);
  }
  return status;
}

std::string ReasonName(v1::ErrorReason reason) {
  return std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
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

}  // namespace latchwire::client
