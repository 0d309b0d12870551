#include "latchwire/client/verify.h"

#include <fstream>
#include <set>

#include "core/base/crypto.h"
#include "core/base/testing/source_tree.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire::client::verify {
namespace {

using nlohmann::json;

// The vectors that all languages share.
json Load(const std::string& scheme) {
  const std::string path = SourcePath("tests/vectors/signatures_") + scheme + ".json";
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  json content = json::parse(file);
  EXPECT_EQ(content["scheme"], scheme);
  EXPECT_FALSE(content["cases"].empty());
  return content["cases"];
}

std::string Verdict(const std::string& scheme, const json& c) {
  std::set<std::string> known = {"name", "why",         "secrets", "headers",
                                 "body", "body_base64", "expect"};
  if (scheme != "panel") known.insert({"now_ms", "tolerance_seconds"});
  for (const auto& [member, value] : c.items()) {
    // A case that says more than is read here would pass without being tested.
    EXPECT_TRUE(known.count(member)) << member;
  }
  const std::vector<std::string> secrets = c.at("secrets");
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : c.at("headers").items()) headers.emplace_back(name, value);
  const std::string body = c.contains("body")
                               ? c["body"].get<std::string>()
                               : Base64Decode(c.at("body_base64").get<std::string>()).value();
  if (scheme == "panel") return ReasonOf(Panel(secrets, headers, body));
  TimeCheck time;
  time.now = absl::FromUnixMillis(c.at("now_ms"));
  time.tolerance = absl::Seconds(c.at("tolerance_seconds").get<int>());
  return ReasonOf(scheme == "standard" ? Standard(secrets, headers, body, time)
                                       : Twenty(secrets, headers, body, time));
}

class VectorsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(VectorsTest, AllCases) {
  for (const json& c : Load(GetParam())) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const std::string verdict = Verdict(GetParam(), c);
    EXPECT_EQ(verdict.empty() ? "valid" : verdict, c.at("expect").get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, VectorsTest, ::testing::Values("standard", "twenty", "panel"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Verify, AMistakeInTheSecretsIsToldFromARefusedRequest) {
  EXPECT_TRUE(absl::IsInvalidArgument(Panel({""}, {{"x-webhook-signature", "00"}}, "")));
  EXPECT_TRUE(absl::IsUnauthenticated(Panel({"secret"}, {{"x-webhook-signature", "00"}}, "")));
}

TEST(Verify, NoSecretAtAllVerifiesNothing) {
  EXPECT_EQ(ReasonOf(Panel({}, {{"x-webhook-signature", "00"}}, "")), "SECRET_INVALID");
}

}  // namespace
}  // namespace latchwire::client::verify
