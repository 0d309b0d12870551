// The form of an event in the spool: a serialised latchwire.v1.Event, which goes up unchanged.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"

namespace latchwire::edge {

// Serialises `event`, which has its id, type and receive_time.
std::string EncodeEvent(const Event& event);

// Reads only the fields that identify an event: id, type, source and attributes. Returns nullopt if
// the record is not an event.
std::optional<Event> DecodeEventIdentity(absl::string_view record);

// Maps priorities 0-3, 4-6, 7-8 and 9 to lanes 0, 1, 2 and 3.
int LaneOfPriority(int priority);

}  // namespace latchwire::edge
