#include "edge-agent/main/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/testing/source_tree.h"
#include "core/base/testing/temporary_folder.h"

namespace latchwire::edge {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class AgentConfigTest : public testing::Test {
 protected:
  AgentConfigTest() { std::ofstream(key_) << "id.secret\n"; }

  // The message of the first fault, empty when there is none.
  std::string ErrorOf(absl::string_view toml, std::vector<std::string> flags = {}) {
    config_ = AgentConfig();
    std::ofstream(file_) << toml;
    flags.push_back("--config=" + file_);
    Settings settings = AgentSettings(&config_);
    absl::Status status = settings.Parse(flags).status();
    if (status.ok()) status = CheckAgentConfig(settings, config_);
    return absl::StrReplaceAll(status.message(), {{file_, "f"}});
  }

  const TemporaryFolder folder_;
  const std::string file_ = folder_.File("agent.toml");
  const std::string key_ = folder_.File("agent.key");
  AgentConfig config_;
};

TEST_F(AgentConfigTest, ReadsEverySetting) {
  const std::string toml = absl::StrCat(R"(
agent = "gate-1"
listen = "[::1]:8091"
server = "server.example:443"
key_file = ")",
                                        key_, R"("
tls = true
root_certificates_file = ")",
                                        key_, R"("
max_backoff_ms = 5000
log_level = "debug"

[spool]
directory = "spool"
max_bytes = 2000000
segment_bytes = 65536

[[intake.acogo]]
token = "a"
source = "gateway-1"
model = "acoGO! Pro"
[[intake.acogo]]
token = "b"

[intake.situator]
token = "s"

[intake.panel]
allow_unsigned = true
source = "panel-1"

[intake.json]
token = "j"
)");
  ASSERT_EQ(ErrorOf(toml), "");
  EXPECT_EQ(config_.listen.ToString(), "[::1]:8091");
  EXPECT_EQ(config_.server, "server.example:443");
  EXPECT_EQ(config_.key, "id.secret\n");
  EXPECT_EQ(config_.root_certificates, "id.secret\n");
  EXPECT_TRUE(config_.tls);
  EXPECT_EQ(config_.max_backoff_ms, 5000);
  EXPECT_EQ(config_.log_level, LogLevel::kDebug);
  EXPECT_EQ(config_.spool_directory, "spool");
  EXPECT_EQ(config_.spool_max_bytes, 2'000'000);
  EXPECT_EQ(config_.spool_segment_bytes, 65536);
  ASSERT_EQ(config_.intake["acogo"].size(), 2u);
  EXPECT_EQ(config_.intake["acogo"][0].Text("model"), "acoGO! Pro");
  EXPECT_EQ(config_.intake["acogo"][1].Text("token"), "b");
  EXPECT_TRUE(config_.intake["panel"][0].Flag("allow_unsigned"));
  EXPECT_EQ(config_.intake["panel"][0].Text("source"), "panel-1");
  EXPECT_EQ(config_.intake["json"][0].Text("token"), "j");
}

TEST_F(AgentConfigTest, FlagsWinInEverySpellingThatEverWas) {
  ASSERT_EQ(ErrorOf("agent = \"x\"\n[spool]\ndirectory = \"x\"",
                    {"--agent=gate-2", absl::StrCat("--key-file=", key_), "--spool-dir=dir",
                     "--spool-max-bytes=1048576", "--listen-port-file=port", "--listen=0.0.0.0:0"}),
            "");
  EXPECT_EQ(config_.agent, "gate-2");
  EXPECT_EQ(config_.spool_directory, "dir");
  EXPECT_EQ(config_.spool_max_bytes, 1'048'576);
  EXPECT_EQ(config_.listen_port_file, "port");
  EXPECT_EQ(config_.listen.ToString(), "0.0.0.0:0");
  EXPECT_EQ(ErrorOf("", {"--agent=a", absl::StrCat("--key_file=", key_), "--spool_directory=d",
                         "--spool_segment_bytes=4096", "--max_backoff_ms=100", "--tls"}),
            "");
  EXPECT_EQ(config_.spool_directory, "d");
}

TEST_F(AgentConfigTest, ErrorsNameFileLineKeyAndValue) {
  const struct {
    const char* text;
    const char* error;
  } kCases[] = {
      {"agnet = \"x\"", "f:1: agnet: no such setting"},
      {"\nagent = 7", "f:2: agent = \"7\": must be a quoted string"},
      {"agent = \"Gate 1\"", "f:1: agent = \"Gate 1\": must be 1 to 64 of"},
      {"listen = \"8090\"", "f:1: listen = \"8090\": must be address:port"},
      {"listen = \"localhost:1\"", "f:1: listen = \"localhost:1\": the address must be an IP"},
      {"server = \"x\"", "f:1: server = \"x\": must be host:port"},
      {"max_backoff_ms = -1", "f:1: max_backoff_ms = \"-1\": must be 100 to"},
      {"[spool]\nmaxbytes = 1", "f:2: spool.maxbytes: no such setting"},
      {"[spool]\nmax_bytes = 5", "f:2: spool.max_bytes = \"5\": must be 1048576 to"},
      {"log_level = \"loud\"", "f:1: log_level = \"loud\": must be debug"},
      {"[intake.basip]\ntoken = \"x\"", "f:1: intake.basip: no such setting"},
      {"[intake.json]\nsource = \"x\"", "f:1: intake.json.token = \"\": is required"},
      {"[intake.panel]\nsource = \"x\"",
       "f:1: intake.panel.secret = \"\": is required, unless "
       "allow_unsigned"},
      {"[intake.json]\ntoken = \"t\"\nallow_unsigned = true",
       "f:3: intake.json.allow_unsigned: no such setting"},
  };
  for (const auto& c : kCases) EXPECT_THAT(ErrorOf(c.text), StartsWith(c.error)) << c.text;
}

TEST_F(AgentConfigTest, WhatIsRequired) {
  EXPECT_EQ(ErrorOf(""), "agent = \"\": is required");
  EXPECT_THAT(ErrorOf("", {"--agent=a"}), StartsWith("key_file = \"\": is required"));
  std::ofstream(key_) << " \n";
  EXPECT_THAT(ErrorOf("", {"--agent=a", "--key_file", key_}), HasSubstr("is required"));
  std::ofstream(key_) << "id.secret";
  EXPECT_EQ(ErrorOf("", {"--agent=a", "--key_file", key_}), "spool.directory = \"\": is required");
}

TEST_F(AgentConfigTest, EverySettingIsDocumented) {
  std::ostringstream document;
  document << std::ifstream(SourcePath("docs/agent.md")).rdbuf();
  for (const std::string& key : AgentSettings(&config_).Keys()) {
    const std::string flag = absl::StrReplaceAll(key, {{".", "_"}});
    EXPECT_THAT(document.str(), HasSubstr(absl::StrCat("`--", flag, "`")));
  }
}

}  // namespace
}  // namespace latchwire::edge
