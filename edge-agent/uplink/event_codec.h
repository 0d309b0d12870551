// How an event lies in the spool: as a serialised latchwire.v1.Event, which goes up unchanged.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"

namespace latchwire::edge {

// `event.id`, `type` and `receive_time` are set.
std::string EncodeEvent(const Event& event);

// Only what tells one event from another: id, type, source and attributes. Nothing when it is none.
std::optional<Event> DecodeEventIdentity(absl::string_view record);

// The lane of a priority: 0-3, 4-6, 7-8, 9 are lanes 0, 1, 2, 3.
int LaneOfPriority(int priority);

}  // namespace latchwire::edge
