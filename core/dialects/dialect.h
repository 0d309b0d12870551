// What the bytes of a device family mean. One file per family, one row in registry.cc; for the
// agent's sources, and for whatever else takes devices' messages.
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

// A message of a device, however it came: an HTTP request, a message on a topic, a line, a file. A
// view; what it points to must outlive the call that it is handed to.
struct DeviceMessage {
  // Which of the family's kinds of message this is, where the family has several: `ez_open` of
  // `/in/acogo/ez_open`, or of a topic that ends in it. One of the family's DialectRow::paths.
  absl::string_view path = {};
  // A query, or what else the source knows by name.
  Parameters parameters = {};
  // Headers, or user properties; empty from a source that has none.
  absl::Span<const HttpHeader> headers = {};
  absl::string_view body = {};

  // The first value of that header that is not empty, in any case of its name; empty if there is
  // none.
  absl::string_view Header(absl::string_view name) const;
};

struct DeviceEvent {
  // Without id and receive_time, and not validated against the limits of an event; its data is
  // well-formed JSON if `is_json` says so.
  Event event;
  // Equal for what a device sends again because no answer reached it, and for nothing else; empty
  // if the family does not tell. See RepeatKey below.
  std::string repeat_key = {};
};

// Immutable and thread-safe.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // Authenticates first, then reads. All events of the message or an error: UNAUTHENTICATED for a
  // credential that is missing or wrong, INVALID_ARGUMENT for content, each with a reason, and with
  // the metadata `field` where there is one.
  virtual absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const = 0;

  // The repeat_key that Read gave this event when it came in, from what is kept of it: id, type,
  // source and attributes. Empty for events of other families and where it cannot be told.
  virtual std::string RepeatKeyOf(const Event& /*event*/) const { return {}; }

  // What an operator should be warned of at start, such as a credential that lets in anybody.
  virtual std::vector<std::string> Warnings() const { return {}; }
};

// The rest of this file is used by the dialects.

// One key out of everything that tells one event of a device from its others: the credential, the
// numbers that the device counts with, a digest of the content. Parts of any bytes cannot run into
// each other.
std::string RepeatKey(std::initializer_list<absl::string_view> parts);

// `where` names the place in which the token was looked for.
absl::Status WrongToken(absl::string_view where);
absl::Status FieldError(absl::string_view field, absl::string_view message);
// OK if `text` is well-formed JSON, otherwise JSON_INVALID.
absl::Status CheckJson(absl::string_view text, absl::string_view field);

}  // namespace latchwire
