// The server as a whole, on a real disk.
#include "server/main/server_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/testing/thread_names.h"
#include "core/net/testing/http_client.h"

namespace latchwire {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerProcessTest : public ::testing::Test {
 protected:
  ServerProcessTest() {
    config_.data_dir = absl::StrCat(::testing::TempDir(), "/latchwire_server_process_test_",
                                    Uuid::MakeV4(SystemRandom()).ToString());
    config_.listen.port = 0;
    config_.metrics_listen = *ParseIpListenAddress("127.0.0.1:0");
  }
  ~ServerProcessTest() override {
    process_.reset();
    std::filesystem::remove_all(config_.data_dir);
  }

  void Start() {
    auto process = ServerProcess::Start(config_);
    ASSERT_TRUE(process.ok()) << process.status();
    process_ = *std::move(process);
  }
  std::string Get(absl::string_view path) {
    HttpClient client(ParseListenAddress(process_->metrics_address())->port);
    client.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    return client.Receive();
  }

  ServerConfig config_;
  std::unique_ptr<ServerProcess> process_;
};

TEST_F(ServerProcessTest, ServesMetricsAndHealth) {
  Start();
  EXPECT_THAT(Get("/metrics"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("latchwire_build_info")));
  for (const char* path : {"/healthz", "/readyz"}) {
    EXPECT_THAT(Get(path), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("application/json"),
                                 HasSubstr("{\"status\":\"ok\",\"reasons\":[]}\n")));
  }
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerProcessTest, ItsThreadsAreNamedByWhatTheyDo) {
  Start();
  WaitForThreads({"delivery", "writer", "checkpoint", "reader", "metrics"});
}

TEST_F(ServerProcessTest, APortInUseIsNamedWithItsSetting) {
  Start();
  ServerConfig other = config_;
  other.data_dir += "/other";
  other.metrics_listen = *ParseIpListenAddress(process_->metrics_address());
  EXPECT_THAT(std::string(ServerProcess::Start(other).status().message()),
              StartsWith(absl::StrCat("metrics_listen = \"", process_->metrics_address(), "\": ")));
}

}  // namespace
}  // namespace latchwire
