#include "edge-agent/main/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace latchwire::edge {
namespace {

using testing::HasSubstr;

TEST(ConfigTest, ReadsEverySetting) {
  AgentConfig config;
  const absl::Status status = ReadConfig(R"(
agent = "gate-1"
listen = "[::1]:8091"
server = "server.example:443"
key_file = "agent.key"
tls = true
root_certificates_file = "ca.pem"
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
)",
                                         "agent.toml", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(CheckConfig(config).ok()) << CheckConfig(config);
  EXPECT_EQ(config.server, "server.example:443");
  EXPECT_TRUE(config.tls);
  EXPECT_EQ(config.spool_max_bytes, 2'000'000u);
  ASSERT_EQ(config.intake.acogo.size(), 2u);
  EXPECT_EQ(config.intake.acogo[0].model, "acoGO! Pro");
  EXPECT_EQ(config.intake.acogo[1].secret, "b");
  EXPECT_EQ(config.intake.panel[0].secret, "");
  EXPECT_EQ(config.intake.json[0].secret, "j");
}

TEST(ConfigTest, SecretsMayStandInFiles) {
  const std::string path = testing::TempDir() + "/latchwire_config_test_token";
  std::ofstream(path) << "  from-file\n";
  AgentConfig config;
  ASSERT_TRUE(
      ReadConfig(absl::StrCat("[intake.json]\ntoken_file = \"", path, "\""), "f", &config).ok());
  EXPECT_EQ(config.intake.json[0].secret, "from-file");
  std::remove(path.c_str());
  const absl::Status status =
      ReadConfig(absl::StrCat("[intake.json]\ntoken_file = \"", path, "\""), "f", &config);
  EXPECT_THAT(status.message(), HasSubstr(path));
}

TEST(ConfigTest, ErrorsNameFileLineAndKey) {
  const struct {
    const char* text;
    const char* error;
  } kCases[] = {
      {"agnet = \"x\"", "f:1: agnet: no such setting"},
      {"\nagent = 7", "f:2: agent: must be a text"},
      {"tls = \"yes\"", "f:1: tls: must be true or false"},
      {"max_backoff_ms = -1", "f:1: max_backoff_ms: must be an integer"},
      {"[spool]\nmaxbytes = 1", "f:2: spool.maxbytes: no such setting"},
      {"spool = 1", "f:1: spool: must be a table"},
      {"[intake.basip]\ntoken = \"x\"", "intake.basip: no such setting"},
      {"[intake.json]\nsource = \"x\"", "intake.json.token: is required"},
      {"[intake.panel]\nsource = \"x\"", "allow_unsigned"},
      {"[intake.json]\nallow_unsigned = true", "intake.json."},
      {"intake.json = 1", "intake.json: must be a table"},
      {"agent = ", "f:1: "},
  };
  for (const auto& c : kCases) {
    AgentConfig config;
    const absl::Status status = ReadConfig(c.text, "f", &config);
    EXPECT_FALSE(status.ok()) << c.text;
    EXPECT_THAT(status.message(), HasSubstr(c.error)) << c.text;
  }
}

TEST(ConfigTest, ChecksNameSettingAndValue) {
  AgentConfig good;
  good.agent = "gate-1";
  good.key_file = "key";
  good.spool_directory = "spool";
  EXPECT_TRUE(CheckConfig(good).ok()) << CheckConfig(good);
  const auto broken = [&](auto change) {
    AgentConfig config = good;
    change(&config);
    return std::string(CheckConfig(config).message());
  };
  EXPECT_THAT(broken([](AgentConfig* c) { c->agent = "Gate 1"; }), HasSubstr("agent = 'Gate 1'"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->listen = "8090"; }), HasSubstr("listen = '8090'"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->server = "x"; }), HasSubstr("server = 'x'"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->key_file = ""; }), HasSubstr("--key-file"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->spool_directory = ""; }), HasSubstr("--spool-dir"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->spool_max_bytes = 5; }), HasSubstr("1048576"));
  EXPECT_THAT(broken([](AgentConfig* c) { c->log_level = "loud"; }), HasSubstr("'loud'"));
}

TEST(ConfigTest, ListenAddresses) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:0")->port, 0);
  EXPECT_EQ(ParseListenAddress("[::1]:80")->host, "::1");
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
}

}  // namespace
}  // namespace latchwire::edge
