#include "edge-agent/main/log.h"

#include <grpc/support/log.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "absl/strings/escaping.h"

namespace latchwire::edge {
namespace {

void Log(spdlog::level::level_enum level, absl::string_view text) {
  if (spdlog::should_log(level)) spdlog::log(level, "msg=\"{}\"", absl::Utf8SafeCEscape(text));
}

void LogOfGrpc(gpr_log_func_args* line) {
  spdlog::level::level_enum level = spdlog::level::debug;
  if (line->severity == GPR_LOG_SEVERITY_INFO) level = spdlog::level::info;
  if (line->severity == GPR_LOG_SEVERITY_ERROR) level = spdlog::level::warn;
  spdlog::log(level, "source=grpc msg=\"{}\"", absl::Utf8SafeCEscape(line->message));
}

}  // namespace

void SetUpLogging(const std::string& level) {
  auto logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(level));
  gpr_set_log_function(&LogOfGrpc);
}

void LogDebug(absl::string_view text) { Log(spdlog::level::debug, text); }
void LogInfo(absl::string_view text) { Log(spdlog::level::info, text); }
void LogWarning(absl::string_view text) { Log(spdlog::level::warn, text); }

}  // namespace latchwire::edge
