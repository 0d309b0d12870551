#include "server/main/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/base/testing/source_tree.h"
#include "core/base/testing/temporary_folder.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The message of the first fault, empty when there is none.
std::string ErrorOf(const std::vector<std::string>& arguments, ServerConfig* config) {
  Settings settings = ServerSettings(config);
  absl::Status status = settings.Parse(arguments).status();
  if (status.ok()) status = CheckServerConfig(settings, *config);
  return std::string(status.message());
}
std::string ErrorOf(const std::vector<std::string>& arguments) {
  ServerConfig config;
  return ErrorOf(arguments, &config);
}

TEST(ServerConfigTest, ReadsEverySetting) {
  const TemporaryFolder folder;
  const std::string pem = folder.File("certificate.pem");
  std::ofstream(pem) << "PEM";
  const std::string toml = folder.File("server.toml");
  std::ofstream(toml) << "allow_networks = [\"10.1.0.0/16\", \"fd00::/8\"]\nallow_ports = [80, "
                         "\"8000-8999\"]\ndrain_timeout = \"2s\"\nstats_interval = 0\n";
  ServerConfig config;
  EXPECT_EQ(ErrorOf({"--config", toml, "--data_dir=d", "--listen=localhost:1",
                     "--metrics_listen=[::1]:9464", "--noreflection", "--log_level=debug",
                     absl::StrCat("--tls_certificate_file=", pem),
                     absl::StrCat("--tls_key_file=", pem), absl::StrCat("--webhook_ca_file=", pem),
                     "--dns_servers=192.0.2.1:53", "--read_threads=2", "--max_queued_reads=5"},
                    &config),
            "");
  EXPECT_EQ(config.data_dir, "d");
  EXPECT_EQ(config.listen.ToString(), "localhost:1");
  EXPECT_EQ(config.metrics_listen->ToString(), "[::1]:9464");
  EXPECT_FALSE(config.reflection);
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_THAT(config.allow_networks, SizeIs(2));
  EXPECT_THAT(config.allow_ports, SizeIs(2));
  EXPECT_EQ(config.tls_certificate, "PEM");
  EXPECT_EQ(config.tls_key, "PEM");
  EXPECT_EQ(config.webhook_ca, "PEM");
  EXPECT_EQ(config.dns_servers, "192.0.2.1:53");
  EXPECT_EQ(config.read_threads, 2);
  EXPECT_EQ(config.max_queued_reads, 5);
  EXPECT_EQ(config.drain_timeout, absl::Seconds(2));
  EXPECT_EQ(config.stats_interval, absl::ZeroDuration());
  std::remove(toml.c_str());
  EXPECT_THAT(ErrorOf({absl::StrCat("--tls_key_file=", pem)}),
              StartsWith(absl::StrCat("tls_key_file = \"", pem, "\": tls_certificate_file")));
  EXPECT_THAT(ErrorOf({absl::StrCat("--tls_certificate_file=", pem)}),
              HasSubstr("tls_key_file is missing"));
  std::remove(pem.c_str());
}

TEST(ServerConfigTest, ErrorsNameKeyAndValue) {
  for (const auto& [key, value] : {std::pair("data_dir", ""),
                                   {"listen", "nowhere"},
                                   {"listen", ""},
                                   {"metrics_listen", "localhost:1"},
                                   {"allow_networks", "127.0.0.0/40"},
                                   {"allow_ports", "0"},
                                   {"read_threads", "65"},
                                   {"max_queued_reads", "0"},
                                   {"drain_timeout", "2h"},
                                   {"stats_interval", "25h"},
                                   {"log_level", "loud"}}) {
    EXPECT_THAT(ErrorOf({absl::StrCat("--", key, "=", value)}),
                StartsWith(absl::StrCat(key, " = \"", value, "\": ")));
  }
}

TEST(ServerConfigTest, EverySettingIsDocumented) {
  std::ostringstream document;
  document << std::ifstream(SourcePath("docs/operating.md")).rdbuf();
  ServerConfig config;
  for (const std::string& key : ServerSettings(&config).Keys()) {
    EXPECT_THAT(document.str(), HasSubstr(absl::StrCat("`--", key, "`")));
  }
}

}  // namespace
}  // namespace latchwire
