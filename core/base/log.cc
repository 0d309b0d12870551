#include "core/base/log.h"

#include <atomic>

namespace latchwire {
namespace {

std::atomic<LogSink*> log_sink{nullptr};
std::atomic<LogLevel> least_level{LogLevel::kInfo};

}  // namespace

LogSink* SetLogSink(LogSink* sink, LogLevel least) {
  least_level.store(least, std::memory_order_relaxed);
  return log_sink.exchange(sink);
}

bool IsLogged(LogLevel level) {
  return level >= least_level.load(std::memory_order_relaxed) &&
         log_sink.load(std::memory_order_relaxed) != nullptr;
}

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  LogSink* const sink = log_sink.load();
  if (sink != nullptr) sink->Write(level, message, {fields.begin(), fields.size()});
}

}  // namespace latchwire
