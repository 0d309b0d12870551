// Interprets the messages of a device family. One file per family, one row in registry.cc; used by
// the agent's sources, and by whatever else takes devices' messages.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/dialects/parameters.h"
#include "core/domain/event.h"
#include "core/http/message.h"

namespace latchwire {

// A device's message, however it arrived: an HTTP request, a message on a topic, a line, a file. A
// view; what it points to must outlive the call that it is passed to.
struct DeviceMessage {
  // Which of the family's kinds of message this is, where the family has several: `ez_open` of
  // `/in/acogo/ez_open`, or of a topic that ends in it. One of the family's DialectRow::paths.
  absl::string_view path = {};
  // A query, or other named values that the source has.
  Parameters parameters = {};
  // Headers, or user properties; empty from a source that has none.
  absl::Span<const HttpHeader> headers = {};
  absl::string_view body = {};

  // The first non-empty value of the header; its name is case-insensitive. Empty if there is none.
  absl::string_view Header(absl::string_view name) const;
};

struct DeviceEvent {
  // Without id and receive_time, and not validated against the limits of an event; its data is
  // well-formed JSON if `is_json` says so.
  Event event;
  // Equal if a device sends an event again because no answer reached it, and only then; empty if
  // the family cannot tell. See RepeatKey below.
  std::string repeat_key = {};
};

// Immutable and thread-safe.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // Authenticates first, then reads. Returns all events of the message or an error: UNAUTHENTICATED
  // for a missing or wrong credential, INVALID_ARGUMENT for content, each with a reason, and with
  // the metadata `field` if there is one.
  virtual absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const = 0;

  // The repeat_key that Read gave this event, derived from what is kept of it: id, type, source and
  // attributes. Empty for events of other families and if it cannot be derived.
  virtual std::string RepeatKeyOf(const Event& /*event*/) const { return {}; }

  // Warnings for the operator at start, such as of a credential that lets anybody in.
  virtual std::vector<std::string> Warnings() const { return {}; }
};

// The rest of this file is used by the dialects.

// Makes one key from everything that distinguishes an event from a device's other events: the
// credential, the device's own counters, a digest of the content. Different parts never give the
// same key, whatever their bytes.
std::string RepeatKey(std::initializer_list<absl::string_view> parts);

// The error for a wrong token; `where` says where the token was looked for.
absl::Status WrongToken(absl::string_view where);
absl::Status FieldError(absl::string_view field, absl::string_view message);
// OK if `text` is well-formed JSON, otherwise JSON_INVALID.
absl::Status CheckJson(absl::string_view text, absl::string_view field);

}  // namespace latchwire
