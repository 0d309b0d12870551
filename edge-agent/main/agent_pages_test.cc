#include "edge-agent/main/agent_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json_syntax.h"

namespace latchwire::edge {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

AgentReport Well() {
  AgentReport report;
  report.spool_max_bytes = 1000;
  report.uplink.connected = true;
  return report;
}

TEST(AgentPagesTest, IsWellOnlyWhenEventsComeAndGo) {
  EXPECT_EQ(JudgeHealth(Well()).status(), HealthStatus::kOk);
  const auto judge = [](auto change) {
    AgentReport report = Well();
    change(&report);
    return JudgeHealth(report);
  };
  const auto full = judge([](AgentReport* r) { r->store = StoreCondition::kFull; });
  EXPECT_EQ(full.status(), HealthStatus::kRefusing);
  EXPECT_EQ(full.HttpStatus(), 503);
  EXPECT_THAT(full.reasons(), ElementsAre("SPOOL_FULL"));
  EXPECT_EQ(judge([](AgentReport* r) { r->store = StoreCondition::kFailing; }).HttpStatus(), 503);
  const auto degraded = judge([](AgentReport* r) {
    r->store = StoreCondition::kDoubtful;
    r->spool.bytes = 901;
    r->uplink.connected = false;
    r->uplink.rejected_events = 1;
  });
  EXPECT_EQ(degraded.HttpStatus(), 200);
  EXPECT_THAT(degraded.reasons(), ElementsAre("STORE_UNAVAILABLE", "SPOOL_NEARLY_FULL",
                                              "SERVER_UNREACHABLE", "EVENTS_REJECTED"));
  EXPECT_THAT(judge([](AgentReport* r) {
                r->uplink.connected = false;
                r->uplink.error_reason = "API_KEY_INVALID";
              }).reasons(),
              ElementsAre("API_KEY_INVALID"));
  EXPECT_THAT(judge([](AgentReport* r) { r->uplink.told_to_wait = true; }).reasons(),
              ElementsAre("OVERLOADED"));
}

TEST(AgentPagesTest, SaysTheSameInEveryForm) {
  AgentReport report = Well();
  report.store = StoreCondition::kFull;
  report.spool.held_records = 3;
  report.families = {{"acogo", 5, 0}, {"panel", 2, 1}};
  report.refusals = {{"", "ROUTE_NOT_FOUND", 4}, {"panel", "SIGNATURE_INVALID", 2}};
  report.sources = {{"http", "127.0.0.1:8090", {14, 6}}};
  report.last_refusals = {{.time = absl::FromUnixMillis(1'700'000'000'250),
                           .peer = "192.0.2.7",
                           .method = "GET",
                           .path = "/in/\\\"",
                           .query = "token=***",
                           .status = 404,
                           .reason = "ROUTE_NOT_FOUND",
                           .nearest = "/in/json"}};
  report.uplink.error = "a \"word\"\n";
  const std::string healthz = HealthzPage(report), status = StatusPage(report);
  EXPECT_TRUE(IsWellFormedJson(healthz, nullptr)) << healthz;
  EXPECT_TRUE(IsWellFormedJson(status, nullptr)) << status;
  EXPECT_THAT(healthz,
              AllOf(HasSubstr("\"status\":\"ok\""), HasSubstr("\"held_events\":3"),
                    HasSubstr("\"accepted_events\":7"), HasSubstr("\"refused_requests\":6")));
  EXPECT_THAT(
      status,
      AllOf(HasSubstr(R"("status":"refusing","reasons":["SPOOL_FULL"])"),
            HasSubstr("\"accepted_events\":7"),
            HasSubstr(R"({"family":"panel","accepted_events":2,"repeated_events":1})"),
            HasSubstr(R"({"family":"","reason":"ROUTE_NOT_FOUND","count":4})"),
            HasSubstr(R"("time":"2023-11-14T22:13:20.250Z","peer":"192.0.2.7","method":"GET")")));
  EXPECT_THAT(MetricsPage(report),
              AllOf(HasSubstr("latchwire_agent_ready 0\n"),
                    HasSubstr("latchwire_agent_accepted_events_total{family=\"acogo\"} 5\n"),
                    HasSubstr("latchwire_agent_refused_requests_total{family=\"panel\","
                              "reason=\"SIGNATURE_INVALID\"} 2\n"),
                    HasSubstr("latchwire_agent_spool_held_events 3\n"),
                    HasSubstr("latchwire_agent_source_messages_total{source=\"http\"} 14\n"),
                    HasSubstr("latchwire_agent_connected 1\n"), Not(HasSubstr("192.0.2.7"))));
}

}  // namespace
}  // namespace latchwire::edge
