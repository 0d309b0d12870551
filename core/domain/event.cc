#include "core/domain/event.h"

namespace latchwire {

absl::string_view EffectiveContentType(const Event& event) {
  if (!event.content_type.empty()) return event.content_type;
  return event.is_json ? "application/json" : "application/octet-stream";
}

}  // namespace latchwire
