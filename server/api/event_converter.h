// Events: protobuf <-> domain. Thread-safe.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"
#include "core/domain/validation.h"
#include "latchwire/v1/event.pb.h"

namespace latchwire {

// Moves the fields that callers set out of `proto`, without copying its strings, and leaves the
// output-only ones. Returns what cannot be converted and what Validate finds; `prefix` leads the
// paths.
std::vector<FieldViolation> EventFromProto(v1::Event* proto, absl::string_view prefix,
                                           Event* event);

enum class EventData { kWith, kWithout };
void ToProto(const Event& event, EventData data, v1::Event* proto);

}  // namespace latchwire
