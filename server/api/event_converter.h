// Events: protobuf <-> domain.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"
#include "core/domain/validation.h"
#include "latchwire/v1/event.pb.h"

namespace latchwire {

// Moves the caller's fields out of `proto`, without a copy of its texts; output-only ones are left.
// Returns what does not fit into the domain's values and what Validate finds, paths led by
// `prefix`.
std::vector<FieldViolation> EventFromProto(v1::Event* proto, absl::string_view prefix,
                                           Event* event);

enum class EventData { kWith, kWithout };
void ToProto(const Event& event, EventData data, v1::Event* proto);

}  // namespace latchwire
