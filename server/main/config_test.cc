#include "server/main/config.h"

#include <gmock/gmock.h>

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

bool IsKnown(absl::string_view key) { return key == "listen" || key == "n" || key == "list"; }

absl::StatusOr<ConfigEntries> Parse(absl::string_view text) {
  return ParseConfigText(text, "server.toml", &IsKnown);
}

TEST(ConfigFileTest, ValuesAreInTheWordsOfFlags) {
  const auto entries =
      Parse("# comment\nlisten = \"127.0.0.1:1\"\nn = 4\nlist = [\"10.0.0.0/8\", 'fd00::/8']\n");
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries,
              ::testing::UnorderedElementsAre(Pair("listen", "127.0.0.1:1"), Pair("n", "4"),
                                              Pair("list", "10.0.0.0/8,fd00::/8")));
  EXPECT_THAT(*Parse("n = true"), ElementsAre(Pair("n", "true")));
  EXPECT_THAT(*Parse("n = []"), ElementsAre(Pair("n", "")));
  EXPECT_THAT(*Parse(""), ElementsAre());
}

TEST(ConfigFileTest, ErrorsNameFileLineAndKey) {
  const auto error = [](absl::string_view text) {
    return std::string(Parse(text).status().message());
  };
  EXPECT_THAT(error("n = 1\nlisen = \"x\"\n"), HasSubstr("server.toml:2: unknown key lisen"));
  EXPECT_THAT(error("\nn = \n"), HasSubstr("server.toml:2: "));
  EXPECT_THAT(error("[listen]\na = 1\n"), HasSubstr("listen must be"));
  EXPECT_THAT(error("n = 2020-01-01\n"), HasSubstr("n must be"));
  EXPECT_THAT(error("n = [[1]]\n"), HasSubstr("n must be"));
}

TEST(CheckListenTest, TakesAddressesWithAPort) {
  for (const char* value : {"127.0.0.1:0", "0.0.0.0:50051", "[::1]:65535", "localhost:1"}) {
    EXPECT_TRUE(CheckListen("listen", value).ok()) << value;
  }
  for (const char* value : {"", "127.0.0.1", ":50051", "127.0.0.1:", "127.0.0.1:x",
                            "127.0.0.1:65536", "127.0.0.1:-1", "::1:50051"}) {
    const absl::Status status = CheckListen("listen", value);
    EXPECT_THAT(std::string(status.message()), HasSubstr("listen = \"" + std::string(value)));
  }
}

}  // namespace
}  // namespace latchwire
