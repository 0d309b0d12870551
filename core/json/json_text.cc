#include "core/json/json_text.h"

#include <rapidjson/reader.h>

#include "absl/strings/numbers.h"

namespace latchwire {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t SkipSpace(absl::string_view json, size_t at) {
  while (at < json.size() && IsSpace(json[at])) ++at;
  return at;
}

// `at` is the opening quote; returns the place behind the closing one.
size_t SkipString(absl::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

// `at` is the value's first byte; returns the place behind its last.
size_t SkipValue(absl::string_view json, size_t at) {
  if (json[at] == '"') return SkipString(json, at);
  if (json[at] != '{' && json[at] != '[') {
    while (at < json.size() && !IsSpace(json[at]) && json[at] != ',' && json[at] != '}' &&
           json[at] != ']') {
      ++at;
    }
    return at;
  }
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = SkipString(json, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

struct StringHandler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, StringHandler> {
  std::string text;
  bool String(const char* data, rapidjson::SizeType size, bool) {
    text.assign(data, size);
    return true;
  }
  bool Default() { return false; }
};

}  // namespace

absl::string_view JsonTrim(absl::string_view json) {
  size_t end = json.size();
  const size_t begin = SkipSpace(json, 0);
  while (end > begin && IsSpace(json[end - 1])) --end;
  return json.substr(begin, end - begin);
}

std::optional<std::vector<JsonMember>> JsonMembers(absl::string_view json) {
  json = JsonTrim(json);
  if (json.empty() || json.front() != '{') return std::nullopt;
  std::vector<JsonMember> members;
  size_t at = SkipSpace(json, 1);
  while (at < json.size() && json[at] == '"') {
    JsonMember member;
    const size_t name_end = SkipString(json, at);
    member.name = JsonString(json.substr(at, name_end - at)).value_or("");
    at = SkipSpace(json, SkipSpace(json, name_end) + 1);  // the colon
    const size_t value_end = SkipValue(json, at);
    member.value = json.substr(at, value_end - at);
    members.push_back(std::move(member));
    at = SkipSpace(json, SkipSpace(json, value_end) + 1);  // the comma or the end
  }
  return members;
}

std::optional<std::vector<absl::string_view>> JsonElements(absl::string_view json) {
  json = JsonTrim(json);
  if (json.empty() || json.front() != '[') return std::nullopt;
  std::vector<absl::string_view> elements;
  size_t at = SkipSpace(json, 1);
  while (at < json.size() && json[at] != ']') {
    const size_t end = SkipValue(json, at);
    elements.push_back(json.substr(at, end - at));
    at = SkipSpace(json, end);
    if (at < json.size() && json[at] == ',') at = SkipSpace(json, at + 1);
  }
  return elements;
}

std::optional<absl::string_view> FindMember(const std::vector<JsonMember>& members,
                                            absl::string_view name) {
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return std::nullopt;
}

std::optional<std::string> JsonString(absl::string_view json) {
  if (json.empty() || json.front() != '"') return std::nullopt;
  const std::string copy(json);
  rapidjson::StringStream stream(copy.c_str());
  rapidjson::Reader reader;
  StringHandler handler;
  if (reader.Parse(stream, handler).IsError()) return std::nullopt;
  return std::move(handler.text);
}

std::optional<int64_t> JsonInteger(absl::string_view json) {
  int64_t value = 0;
  if (json.empty() || json.front() == '"' || !absl::SimpleAtoi(json, &value)) return std::nullopt;
  return value;
}

std::optional<bool> JsonBool(absl::string_view json) {
  if (json == "true") return true;
  if (json == "false") return false;
  return std::nullopt;
}

}  // namespace latchwire
