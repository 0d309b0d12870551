// How both programs log: key=value lines to standard error.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/log.h"

namespace latchwire {

// "debug", "info", "warn" or "error"; false for anything else.
bool ParseLogLevel(absl::string_view text, LogLevel* level);

// Makes Log write to standard error, one line per call:
//   time=2026-11-25T12:00:00.000Z level=info msg="agent connected" agent=gate-1 version="1\n2"
// gRPC's messages are logged the same way, with source=grpc. Called once, before other threads
// start.
void SetUpLogging(LogLevel least);

// The rest of the line after time and level. Values and the message are bare if they consist of
// letters, digits and harmless punctuation; otherwise they are quoted and escaped: \" \\ \n \r \t,
// \xNN for other control characters and for bytes that are not UTF-8, \u{NNNN} for characters that
// a terminal or viewer takes for a line end or a change of direction.
std::string FormatLogLine(absl::string_view message, absl::Span<const LogField> fields);

}  // namespace latchwire
