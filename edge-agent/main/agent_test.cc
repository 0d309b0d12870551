// The agent as a whole, on a real disk, with no server to be found.
#include "edge-agent/main/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "core/base/testing/thread_names.h"
#include "core/net/testing/http_client.h"

namespace latchwire::edge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AgentTest : public testing::Test {
 protected:
  AgentTest() {
    folder_ = absl::StrCat(testing::TempDir(), "/latchwire_agent_test_",
                           Uuid::MakeV4(SystemRandom()).ToString());
    std::filesystem::create_directories(folder_);
    config_.agent = "gate-1";
    config_.listen.port = 0;
    config_.server = "127.0.0.1:1";
    config_.key = "id.secret\n";
    config_.spool_directory = folder_ + "/deep/spool";
    config_.intake["panel"] = {{{"allow_unsigned", "true"}, {"source", "panel-1"}}};
    config_.intake["acogo"] = {{{"token", "t"}}};
  }
  ~AgentTest() override {
    agent_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    auto agent = Agent::Start(config_);
    ASSERT_TRUE(agent.ok()) << agent.status();
    agent_ = *std::move(agent);
  }
  std::string Send(absl::string_view head, absl::string_view body = "") {
    HttpClient client(agent_->ListenPort());
    client.Send(absl::StrCat(head, " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(),
                             "\r\n\r\n", body));
    return client.Receive();
  }

  std::string folder_;
  AgentConfig config_;
  std::unique_ptr<Agent> agent_;
};

constexpr absl::string_view kPanelEvent =
    R"({"data":{},"created_at":1,"event_id":7,"event_type":"log.tamper_event"})";

TEST_F(AgentTest, KeepsWhatItAnsweredAcrossARestartAndKnowsAResend) {
  Start();
  const std::string first = Send("POST /in/panel", kPanelEvent);
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Send("GET /in/acogo/ez_open?token=t"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Send("GET /healthz"), HasSubstr("\"held_events\":2"));
  agent_->Stop();
  agent_.reset();
  EXPECT_TRUE(std::filesystem::exists(config_.spool_directory + "/clean"));

  Start();
  EXPECT_FALSE(std::filesystem::exists(config_.spool_directory + "/clean"));
  EXPECT_THAT(Send("GET /healthz"), HasSubstr("\"held_events\":2"));
  EXPECT_EQ(Send("POST /in/panel", kPanelEvent), first);
  EXPECT_THAT(Send("GET /healthz"), HasSubstr("\"held_events\":2"));
}

TEST_F(AgentTest, ItsThreadsAreNamedByWhatTheyDo) {
  Start();
  WaitForThreads({"intake", "disk", "uplink"});
  EXPECT_THAT(ThreadNames(), Not(Contains("delivery")));
}

TEST_F(AgentTest, AFullSpoolIsSaidToTheDevice) {
  config_.spool_max_bytes = 1024 * 1024;
  config_.intake["json"] = {{{"token", "t"}}};
  Start();
  const std::string body = "\"" + std::string(200'000, 'x') + "\"";
  std::string answer;
  for (int i = 0; i < 20; ++i) {
    answer = Send("POST /in/json?token=t&type=a", body);
    if (answer.substr(0, 12) != "HTTP/1.1 200") break;
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After"));
  EXPECT_THAT(Send("GET /in/acogo/ez_open?token=t"), StartsWith("HTTP/1.1 200"))
      << "a small one still fits";
}

TEST_F(AgentTest, ErrorsAtStartNameSettingAndValue) {
  Start();
  auto second = Agent::Start(config_);
  EXPECT_THAT(second.status().message(), HasSubstr("spool.directory = \""));
  EXPECT_THAT(second.status().message(), HasSubstr("another agent"));

  AgentConfig other = config_;
  other.spool_directory = folder_ + "/other";
  other.listen.port = agent_->ListenPort();
  EXPECT_THAT(
      Agent::Start(other).status().message(),
      HasSubstr(absl::StrCat("listen = \"", agent_->ListenAddress(), "\": Address already")));
  other.listen.port = 0;
  other.spool_directory = folder_ + "/file";
  std::ofstream(other.spool_directory) << "a file";
  EXPECT_THAT(Agent::Start(other).status().message(), HasSubstr("is not a directory"));
}

}  // namespace
}  // namespace latchwire::edge
