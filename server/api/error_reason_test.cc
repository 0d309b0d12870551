// core/base/error_reason.h has the reasons of latchwire.v1.ErrorReason, and those of its own.
#include "core/base/error_reason.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/testing/source_tree.h"
#include "latchwire/v1/error_reason.pb.h"

namespace latchwire {
namespace {

constexpr char kPrefix[] = "ERROR_REASON_";

// By namespace: the values of the header's constants, each checked to have the name of its value.
std::map<std::string, std::set<std::string>> Constants() {
  std::ifstream file(SourcePath("core/base/error_reason.h"));
  const std::regex space("^namespace (\\w+_reason) \\{");
  const std::regex constant("^inline constexpr absl::string_view k(\\w+) =");
  const std::regex value("\"([A-Z_]+)\";");
  std::map<std::string, std::set<std::string>> constants;
  std::string current, name;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, space)) current = match[1];
    if (std::regex_search(line, match, constant)) name = match[1];
    if (!std::regex_search(line, match, value)) continue;  // a long one stands in the next line
    std::string expected;
    for (const auto word : absl::StrSplit(match[1].str(), '_')) {
      absl::StrAppend(&expected, word.substr(0, 1), absl::AsciiStrToLower(word.substr(1)));
    }
    EXPECT_EQ(name, expected);
    EXPECT_TRUE(constants[current].insert(match[1]).second) << line;
  }
  return constants;
}

std::set<std::string> ReasonsOfTheApi() {
  std::set<std::string> reasons;
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) {
    if (descriptor->value(i)->number() == 0) continue;
    reasons.insert(descriptor->value(i)->name().substr(sizeof(kPrefix) - 1));
  }
  return reasons;
}

TEST(ErrorReason, HasEveryReasonOfTheApiAndNoOther) {
  EXPECT_EQ(Constants()["error_reason"], ReasonsOfTheApi());
}

TEST(ErrorReason, KeepsItsOwnOutOfTheApi) {
  const auto constants = Constants();
  EXPECT_EQ(constants.size(), 3u);
  for (const char* own : {"internal_reason", "intake_reason"}) {
    ASSERT_FALSE(constants.at(own).empty());
    for (const std::string& reason : constants.at(own)) {
      EXPECT_EQ(ReasonsOfTheApi().count(reason), 0u) << reason;
    }
  }
}

}  // namespace
}  // namespace latchwire
