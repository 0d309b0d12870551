// Keeps what is logged while it lives, for tests to look at.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/mutex.h"

namespace latchwire {

// One at a time in a process. Values are kept as text, unescaped. Thread-safe.
class CapturedLog : public LogSink {
 public:
  struct Line {
    LogLevel level;
    std::string message;
    std::vector<std::pair<std::string, std::string>> fields;

    // Empty when there is no such field.
    std::string Field(absl::string_view key) const {
      for (const auto& [name, value] : fields) {
        if (name == key) return value;
      }
      return "";
    }
  };

  CapturedLog() { SetLogSink(this, LogLevel::kDebug); }
  ~CapturedLog() override { SetLogSink(nullptr, LogLevel::kInfo); }

  void Write(LogLevel level, absl::string_view message,
             absl::Span<const LogField> fields) override {
    Line line{level, std::string(message), {}};
    for (const LogField& field : fields) {
      line.fields.emplace_back(
          field.key, std::visit([](auto v) { return absl::StrCat(v); }, field.value.get()));
    }
    MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<Line> lines() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Line> lines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire
