#include "server/main/log.h"

#include <grpc/support/log.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace latchwire {
namespace {

void LogOfGrpc(gpr_log_func_args* line) {
  spdlog::level::level_enum level = spdlog::level::debug;
  if (line->severity == GPR_LOG_SEVERITY_INFO) level = spdlog::level::info;
  if (line->severity == GPR_LOG_SEVERITY_ERROR) level = spdlog::level::warn;
  spdlog::log(level, "source=grpc msg=\"{}\"", line->message);
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

}  // namespace latchwire
