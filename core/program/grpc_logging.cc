#include "core/program/grpc_logging.h"

#ifdef LATCHWIRE_GRPC
#include <grpc/support/log.h>

#include "core/base/log.h"

namespace latchwire {
namespace {

void LogLineOfGrpc(gpr_log_func_args* line) {
  LogLevel level = LogLevel::kDebug;
  if (line->severity == GPR_LOG_SEVERITY_INFO) level = LogLevel::kInfo;
  if (line->severity == GPR_LOG_SEVERITY_ERROR) level = LogLevel::kWarning;
  Log(level, line->message, {{"source", "grpc"}});
}

}  // namespace

void LogLinesOfGrpc() { gpr_set_log_function(&LogLineOfGrpc); }

}  // namespace latchwire
#else
void latchwire::LogLinesOfGrpc() {}
#endif
