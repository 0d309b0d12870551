#include "core/program/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/check.h"
#include "core/json/utf8.h"
#include "core/program/grpc_logging.h"

namespace latchwire {
namespace {

// Nothing that a reader of key=value lines could take for a separator, a quote or an escape.
bool IsBare(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("._-+:/@,[]%*()").find(c) != absl::string_view::npos;
}

// `character` is one UTF-8 character of two or three bytes.
uint32_t CodePointOf(absl::string_view character) {
  uint32_t code = static_cast<uint8_t>(character[0]) & (character.size() == 2 ? 0x1F : 0x0F);
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<uint8_t>(c) & 0x3F);
  return code;
}

// C1 controls, which terminals obey; line and paragraph separators; marks that turn the direction
// of what follows.
bool IsDeceptive(uint32_t code) {
  return (code >= 0x80 && code <= 0x9F) || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void AppendAscii(char c, std::string* out) {
  switch (c) {
    case '"':
    case '\\':
      absl::StrAppend(out, "\\", absl::string_view(&c, 1));
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      if (absl::ascii_isprint(static_cast<unsigned char>(c))) {
        *out += c;
      } else {
        absl::StrAppendFormat(out, "\\x%02x", static_cast<uint8_t>(c));
      }
  }
}

void AppendText(absl::string_view text, std::string* out) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), IsBare)) {
    out->append(text.data(), text.size());
    return;
  }
  *out += '"';
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const size_t length = Utf8CharacterLength(p, end);
    if (length == 1) {
      AppendAscii(*p, out);
    } else if (length == 0) {
      absl::StrAppendFormat(out, "\\x%02x", static_cast<uint8_t>(*p));
    } else if (length < 4 && IsDeceptive(CodePointOf(absl::string_view(p, length)))) {
      absl::StrAppendFormat(out, "\\u{%04x}", CodePointOf(absl::string_view(p, length)));
    } else {
      out->append(p, length);
    }
    p += std::max<size_t>(length, 1);
  }
  *out += '"';
}

void AppendValue(const LogValue& value, std::string* out) {
  if (const auto* text = std::get_if<absl::string_view>(&value.get())) {
    AppendText(*text, out);
  } else if (const auto* flag = std::get_if<bool>(&value.get())) {
    *out += *flag ? "true" : "false";
  } else {
    std::visit(
        [out](auto number) {
          if constexpr (std::is_arithmetic_v<decltype(number)>) absl::StrAppend(out, number);
        },
        value.get());
  }
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

// The logger's lock makes lines whole.
class StandardErrorSink : public LogSink {
 public:
  StandardErrorSink() : logger_("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    logger_.set_level(spdlog::level::trace);  // Log has judged the level
  }
  void Write(LogLevel level, absl::string_view message,
             absl::Span<const LogField> fields) override {
    const std::string line = FormatLogLine(message, fields);
    logger_.log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

bool ParseLogLevel(absl::string_view text, LogLevel* level) {
  const std::pair<absl::string_view, LogLevel> levels[] = {{"debug", LogLevel::kDebug},
                                                           {"info", LogLevel::kInfo},
                                                           {"warn", LogLevel::kWarning},
                                                           {"error", LogLevel::kError}};
  for (const auto& [name, value] : levels) {
    if (text == name) {
      *level = value;
      return true;
    }
  }
  return false;
}

void SetUpLogging(LogLevel least) {
  // Never destroyed: threads of libraries may log until the process ends.
  static auto* const sink = new StandardErrorSink();
  SetLogSink(sink, least);
  LogLinesOfGrpc();
}

std::string FormatLogLine(absl::string_view message, absl::Span<const LogField> fields) {
  std::string line = "msg=";
  AppendText(message, &line);
  for (const LogField& field : fields) {
    LATCHWIRE_DCHECK(!field.key.empty() && std::all_of(field.key.begin(), field.key.end(),
                                                       [](char c) {
                                                         return (c >= 'a' && c <= 'z') ||
                                                                (c >= '0' && c <= '9') || c == '_';
                                                       }),
                     field.key);
    absl::StrAppend(&line, " ", field.key, "=");
    AppendValue(field.value, &line);
  }
  return line;
}

}  // namespace latchwire
