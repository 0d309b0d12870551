// Why something failed, in the words that programs compare: the reasons of MakeError and ReasonOf.
#pragma once

#include "absl/strings/string_view.h"

namespace latchwire {

// The values of latchwire.v1.ErrorReason, which says what each means; a test compares both.
namespace error_reason {

inline constexpr absl::string_view kApiKeyMissing = "API_KEY_MISSING";
inline constexpr absl::string_view kApiKeyInvalid = "API_KEY_INVALID";
inline constexpr absl::string_view kRoleInsufficient = "ROLE_INSUFFICIENT";
inline constexpr absl::string_view kFieldInvalid = "FIELD_INVALID";
inline constexpr absl::string_view kPageTokenInvalid = "PAGE_TOKEN_INVALID";
inline constexpr absl::string_view kWebhookNotFound = "WEBHOOK_NOT_FOUND";
inline constexpr absl::string_view kEventNotFound = "EVENT_NOT_FOUND";
inline constexpr absl::string_view kDeliveryNotFound = "DELIVERY_NOT_FOUND";
inline constexpr absl::string_view kApiKeyNotFound = "API_KEY_NOT_FOUND";
inline constexpr absl::string_view kEventIdConflict = "EVENT_ID_CONFLICT";
inline constexpr absl::string_view kWebhookAlreadyExists = "WEBHOOK_ALREADY_EXISTS";
inline constexpr absl::string_view kEtagMismatch = "ETAG_MISMATCH";
inline constexpr absl::string_view kDeliveryState = "DELIVERY_STATE";
inline constexpr absl::string_view kSequenceGap = "SEQUENCE_GAP";
inline constexpr absl::string_view kSequenceConflict = "SEQUENCE_CONFLICT";
inline constexpr absl::string_view kAgentStreamFenced = "AGENT_STREAM_FENCED";
inline constexpr absl::string_view kOverloaded = "OVERLOADED";
inline constexpr absl::string_view kStoreUnavailable = "STORE_UNAVAILABLE";
inline constexpr absl::string_view kShuttingDown = "SHUTTING_DOWN";
inline constexpr absl::string_view kNotImplemented = "NOT_IMPLEMENTED";
inline constexpr absl::string_view kInternal = "INTERNAL";
inline constexpr absl::string_view kAddressBlocked = "ADDRESS_BLOCKED";
inline constexpr absl::string_view kAgentMismatch = "AGENT_MISMATCH";
inline constexpr absl::string_view kQuotaExceeded = "QUOTA_EXCEEDED";
inline constexpr absl::string_view kRouteNotFound = "ROUTE_NOT_FOUND";
inline constexpr absl::string_view kMethodNotAllowed = "METHOD_NOT_ALLOWED";
inline constexpr absl::string_view kRequestTooLarge = "REQUEST_TOO_LARGE";
inline constexpr absl::string_view kJsonInvalid = "JSON_INVALID";
inline constexpr absl::string_view kServerUnreachable = "SERVER_UNREACHABLE";
inline constexpr absl::string_view kQueueFull = "QUEUE_FULL";
inline constexpr absl::string_view kTenantNotFound = "TENANT_NOT_FOUND";
inline constexpr absl::string_view kRecoveryJobNotFound = "RECOVERY_JOB_NOT_FOUND";
inline constexpr absl::string_view kRecoveryJobState = "RECOVERY_JOB_STATE";
inline constexpr absl::string_view kEventTypeNotFound = "EVENT_TYPE_NOT_FOUND";

}  // namespace error_reason

// Never leave the server: whoever gets one knows what to do, or nobody is told.
namespace internal_reason {

// An append was matched against webhooks that have changed: match again.
inline constexpr absl::string_view kStaleGeneration = "STALE_GENERATION";
// Another server has the lease by now; its outcomes count.
inline constexpr absl::string_view kFenced = "FENCED";

}  // namespace internal_reason

// What only an agent answers a device, beside those of the API; docs/agent.md states them.
namespace intake_reason {

inline constexpr absl::string_view kTokenInvalid = "TOKEN_INVALID";
inline constexpr absl::string_view kSignatureInvalid = "SIGNATURE_INVALID";
inline constexpr absl::string_view kHttpInvalid = "HTTP_INVALID";

}  // namespace intake_reason

}  // namespace latchwire
