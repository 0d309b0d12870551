#include "edge-agent/spool/ledger.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/crypto.h"

namespace latchwire::edge {
namespace {

constexpr absl::string_view kFirstLine = "latchwire-spool-ledger 1";

bool ParseLanes(absl::Span<const std::string> fields, LaneSequences* out) {
  if (fields.size() != kSpoolLanes) return false;
  for (int lane = 0; lane < kSpoolLanes; ++lane) {
    if (!absl::SimpleAtoi(fields[lane], &(*out)[lane])) return false;
  }
  return true;
}

}  // namespace

std::string SpoolLedger::Encode() const {
  std::string text = absl::StrCat(kFirstLine, "\nidentity ", identity, "\nepoch ", epoch, " ",
                                  generation, " ", absl::StrJoin(last, " "), "\n");
  for (const auto& [acked_epoch, lanes] : acked) {
    absl::StrAppend(&text, "acked ", acked_epoch, " ", absl::StrJoin(lanes, " "), "\n");
  }
  absl::StrAppendFormat(&text, "crc %08x\n", Crc32c(text));
  return text;
}

std::optional<SpoolLedger> SpoolLedger::Decode(absl::string_view text) {
  const size_t crc_line = text.rfind("crc ");
  if (crc_line == absl::string_view::npos ||
      text.substr(crc_line) != absl::StrFormat("crc %08x\n", Crc32c(text.substr(0, crc_line)))) {
    return std::nullopt;
  }
  const std::vector<std::string> lines =
      absl::StrSplit(text.substr(0, crc_line), '\n', absl::SkipEmpty());
  if (lines.empty() || lines[0] != kFirstLine) return std::nullopt;
  SpoolLedger ledger;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = absl::StrSplit(lines[i], ' ');
    if (fields[0] == "identity" && fields.size() == 2) {
      ledger.identity = fields[1];
    } else if (fields[0] == "epoch" && fields.size() == 3 + kSpoolLanes) {
      if (!absl::SimpleAtoi(fields[1], &ledger.epoch) ||
          !absl::SimpleAtoi(fields[2], &ledger.generation) ||
          !ParseLanes(absl::MakeConstSpan(fields).subspan(3), &ledger.last)) {
        return std::nullopt;
      }
    } else if (fields[0] == "acked" && fields.size() == 2 + kSpoolLanes) {
      uint64_t epoch = 0;
      LaneSequences lanes{};
      if (!absl::SimpleAtoi(fields[1], &epoch) ||
          !ParseLanes(absl::MakeConstSpan(fields).subspan(2), &lanes)) {
        return std::nullopt;
      }
      ledger.acked[epoch] = lanes;
    } else {
      return std::nullopt;
    }
  }
  return ledger;
}

}  // namespace latchwire::edge
