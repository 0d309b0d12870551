// docs/errors.md names every reason there is, and none that there is not.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "latchwire/v1/error_reason.pb.h"

namespace latchwire {
namespace {

constexpr char kPrefix[] = "ERROR_REASON_";

TEST(ErrorsDocumentTest, NamesEveryReason) {
  std::stringstream text;
  text << std::ifstream(std::string(LATCHWIRE_SOURCE_DIR) + "/docs/errors.md").rdbuf();
  const std::string document = text.str();
  ASSERT_FALSE(document.empty());
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    if (reasons->value(i)->number() == 0) continue;
    const std::string reason = reasons->value(i)->name().substr(sizeof(kPrefix) - 1);
    EXPECT_NE(document.find("`" + reason + "`"), std::string::npos) << reason;
  }
}

TEST(ErrorsDocumentTest, NamesNoReasonThatIsNone) {
  std::ifstream file(std::string(LATCHWIRE_SOURCE_DIR) + "/docs/errors.md");
  const std::regex row("^\\| `([A-Z_]+)` \\| `");  // of a table of reasons: a code comes next
  const auto* reasons = v1::ErrorReason_descriptor();
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, row)) continue;
    ++rows;
    EXPECT_NE(reasons->FindValueByName(kPrefix + match[1].str()), nullptr) << line;
  }
  EXPECT_GT(rows, 20);
}

}  // namespace
}  // namespace latchwire
