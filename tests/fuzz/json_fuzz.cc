// JSON: well-formed by us means well-formed by a parser of somebody else, and what is picked out of
// it is what that parser finds there.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/domain/limits.h"
#include "core/domain/validation.h"
#include "core/json/json_string.h"
#include "core/json/json_syntax.h"
#include "core/json/json_text.h"
#include "core/json/utf8.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

using nlohmann::json;

bool Inside(absl::string_view part, absl::string_view text) {
  return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
}

// What the other parser takes and we don't, or the other way round, on purpose.
bool MayDiffer(absl::string_view text, bool ours) {
  if (!ours) {
    // A byte order mark is no JSON, a NUL no end; nesting is bounded.
    return absl::StartsWith(text, "\xEF\xBB\xBF") || absl::StrContains(text, '\0') ||
           std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) >
               static_cast<int>(kMaxJsonDepth);
  }
  // It refuses numbers past the range of a double, and escapes of lone surrogates.
  for (size_t i = 1; i < text.size(); ++i) {
    if ((text[i] | 0x20) == 'e' && absl::ascii_isdigit(text[i - 1])) return true;
    if ((text[i] | 0x20) == 'd' && text[i - 1] == 'u') return true;
  }
  return text.size() > 300;  // as many digits
}

void CheckPicks(absl::string_view text, const json& value) {
  const absl::string_view trimmed = JsonTrim(text);
  FUZZ_CHECK(!trimmed.empty() && Inside(trimmed, text));
  const auto members = JsonMembers(text);
  const auto elements = JsonElements(text);
  FUZZ_CHECK(members.has_value() == value.is_object());
  FUZZ_CHECK(elements.has_value() == value.is_array());
  const auto same = [&](absl::string_view part, const json& expected) {
    std::string why;
    FUZZ_CHECK(Inside(part, text) && IsWellFormedJson(part, &why));
    FUZZ_CHECK(json::parse(part.begin(), part.end()) == expected);
    if (expected.is_string()) FUZZ_CHECK(JsonString(part) == expected.get<std::string>());
    if (!expected.is_string()) FUZZ_CHECK(!JsonString(part));
    if (expected.is_boolean()) FUZZ_CHECK(JsonBool(part) == expected.get<bool>());
    if (!expected.is_boolean()) FUZZ_CHECK(!JsonBool(part));
    if (!expected.is_number()) FUZZ_CHECK(!JsonInteger(part));
    if (expected.is_number_integer() && !expected.is_number_unsigned()) {
      FUZZ_CHECK(JsonInteger(part) == expected.get<int64_t>());
    }
  };
  if (members) {
    FUZZ_CHECK(members->size() >= value.size());
    for (const auto& [name, member] : value.items()) {
      const auto found = FindMember(*members, name);
      FUZZ_CHECK(found.has_value());
      same(*found, member);
    }
  }
  if (elements) {
    FUZZ_CHECK(elements->size() == value.size());
    for (size_t i = 0; i < elements->size(); ++i) same((*elements)[i], value[i]);
  }
}

}  // namespace
}  // namespace latchwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchwire;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  std::string why;
  const bool ours = IsWellFormedJson(text, &why);
  FUZZ_CHECK(ours == why.empty());
  const json value = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  const bool theirs = !value.is_discarded();
  FUZZ_CHECK(ours == theirs || MayDiffer(text, ours));
  if (ours) {
    if (const auto members = JsonMembers(text)) {
      for (const JsonMember& member : *members) {
        FUZZ_CHECK(Inside(member.value, text) && IsWellFormedJson(member.value, &why));
      }
    }
    if (const auto elements = JsonElements(text)) {
      for (const absl::string_view element : *elements) {
        FUZZ_CHECK(Inside(element, text) && IsWellFormedJson(element, &why));
      }
    }
  }
  if (ours && theirs) CheckPicks(text, value);
  if (CodePointCount(text) != absl::string_view::npos) {
    const std::string quoted = JsonQuote(text);
    FUZZ_CHECK(IsWellFormedJson(quoted, &why));
    FUZZ_CHECK(JsonString(quoted) == text);
  }
  return 0;
}
