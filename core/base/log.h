// The seam through which all code logs: a message and named values. How they are written, and that
// no value can forge a line or a field, is the sink's promise (core/program/logging.h).
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace latchwire {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A value of any kind, by view: valid while what it was made from lives.
class LogValue {
 public:
  LogValue(absl::string_view text) : value_(text) {}                        // NOLINT: implicit
  LogValue(const std::string& text) : value_(absl::string_view(text)) {}    // NOLINT: implicit
  LogValue(const char* text) : value_(absl::string_view(text)) {}           // NOLINT: implicit
  LogValue(bool value) : value_(value) {}                                   // NOLINT: implicit
  LogValue(double value) : value_(value) {}                                 // NOLINT: implicit
  LogValue(std::signed_integral auto value) : value_(int64_t{value}) {}     // NOLINT: implicit
  LogValue(std::unsigned_integral auto value) : value_(uint64_t{value}) {}  // NOLINT: implicit
  const auto& get() const { return value_; }

 private:
  std::variant<absl::string_view, bool, double, int64_t, uint64_t> value_;
};

struct LogField {
  absl::string_view key;  // a constant: a-z, 0-9 and _
  LogValue value;
};

// Where log lines go.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // Thread-safe. Neither `message` nor a value can be trusted to hold no control characters.
  virtual void Write(LogLevel level, absl::string_view message,
                     absl::Span<const LogField> fields) = 0;
};

// Sends lines of `least` and above to `sink`, which outlives every Log that began before it was
// replaced; null drops everything, as at the start of the process. Returns the sink that was set
// before. Thread-safe.
LogSink* SetLogSink(LogSink* sink, LogLevel least);

// Whether a line of this level goes anywhere: for values that are costly to make.
bool IsLogged(LogLevel level);

// Thread-safe. Costs two loads when the level is off. No secrets, no queries of URLs.
void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace latchwire
