#include "core/signatures/verification.h"

#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/error.h"
#include "core/base/testing/source_tree.h"
#include "core/signatures/panel.h"
#include "core/signatures/standard.h"
#include "core/signatures/twenty.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class SignatureVectors : public testing::TestWithParam<std::string> {};

TEST_P(SignatureVectors, EveryCase) {
  const std::string& scheme = GetParam();
  const auto file = nlohmann::json::parse(
      std::ifstream(absl::StrCat(SourcePath("tests/vectors/signatures_"), scheme, ".json")));
  ASSERT_EQ(file["scheme"].get<std::string>(), scheme);
  ASSERT_GE(file["cases"].size(), 20);
  std::set<std::string> outcomes;
  for (const auto& c : file["cases"]) {
    const auto secrets = c["secrets"].get<std::vector<std::string>>();
    Pairs headers;
    for (const auto& [name, value] : c["headers"].items()) headers.emplace_back(name, value);
    const std::string body = c.contains("body_base64")
                                 ? *Base64Decode(c["body_base64"].get<std::string>())
                                 : c["body"].get<std::string>();
    const absl::Time now = absl::FromUnixMillis(c.value("now_ms", int64_t{0}));
    const absl::Duration tolerance = absl::Seconds(c.value("tolerance_seconds", 0));
    absl::Status status;
    if (scheme == "standard") {
      status = VerifyStandard(secrets, headers, body, now, tolerance);
    } else if (scheme == "twenty") {
      status = VerifyTwenty(secrets, headers, body, now, tolerance);
    } else {
      status = VerifyPanel(secrets, headers, body);
    }
    const std::string outcome = status.ok() ? "valid" : ReasonOf(status);
    EXPECT_EQ(outcome, c["expect"].get<std::string>()) << c["name"] << ": " << status;
    EXPECT_EQ(status.ok() || absl::IsFailedPrecondition(status) == (outcome == "SECRET_INVALID"),
              true);
    outcomes.insert(outcome);
  }
  // A scheme that signs the time has all outcomes, another has no time's.
  EXPECT_EQ(outcomes.size(), scheme == "panel" ? 4 : 6);
}

INSTANTIATE_TEST_SUITE_P(All, SignatureVectors, testing::Values("standard", "twenty", "panel"),
                         [](const auto& scheme) { return scheme.param; });

// The first case of every file is one request, signed once with one secret.
nlohmann::json GoodCase(const std::string& scheme) {
  const auto file = nlohmann::json::parse(
      std::ifstream(absl::StrCat(SourcePath("tests/vectors/signatures_"), scheme, ".json")));
  EXPECT_EQ(file["cases"][0]["name"], "good");
  return file["cases"][0];
}

TEST(Sign, MakesTheSignatureOfTheVectors) {
  const auto standard = GoodCase("standard");
  const std::string key = *DecodeStandardSecret(standard["secrets"][0].get<std::string>());
  EXPECT_EQ(SignStandard({{key}}, standard["headers"]["webhook-id"].get<std::string>(),
                         standard["headers"]["webhook-timestamp"].get<std::string>(),
                         standard["body"].get<std::string>()),
            standard["headers"]["webhook-signature"].get<std::string>());
  const auto twenty = GoodCase("twenty");
  EXPECT_EQ(SignTwenty(twenty["secrets"][0].get<std::string>(),
                       twenty["headers"]["X-Twenty-Webhook-Timestamp"].get<std::string>(),
                       twenty["body"].get<std::string>()),
            twenty["headers"]["X-Twenty-Webhook-Signature"].get<std::string>());
  const auto panel = GoodCase("panel");
  EXPECT_EQ(SignPanel(panel["secrets"][0].get<std::string>(), panel["body"].get<std::string>()),
            panel["headers"]["X-Webhook-Signature"].get<std::string>());
}

TEST(Sign, StandardSignsWithEveryKeyInTheirOrder) {
  EXPECT_EQ(SignStandard({"new", "old"}, "id", "1", "{}"),
            absl::StrCat(SignStandard({{"new"}}, "id", "1", "{}"), " ",
                         SignStandard({{"old"}}, "id", "1", "{}")));
  EXPECT_EQ(SignStandard({}, "id", "1", "{}"), "");
}

TEST(Verify, WithoutAnySecretNothingIsValid) {
  const Pairs headers = {{"x-webhook-signature", std::string(64, '0')}};
  EXPECT_EQ(ReasonOf(VerifyPanel({}, headers, "")), "SECRET_INVALID");
  EXPECT_EQ(ReasonOf(VerifyTwenty({}, headers, "", absl::UnixEpoch())), "SECRET_INVALID");
  EXPECT_EQ(ReasonOf(VerifyStandard({}, headers, "", absl::UnixEpoch())), "SECRET_INVALID");
}

TEST(Verify, OneEmptySecretAmongOthersIsAMistakeToo) {
  const std::vector<std::string> secrets = {"1234567890abcdef", ""};
  EXPECT_EQ(ReasonOf(VerifyPanel(secrets, {}, "")), "SECRET_INVALID");
}

TEST(Verify, ErrorsDoNotShowTheSecret) {
  const std::vector<std::string> secrets = {"whsec_top*secret"};
  EXPECT_EQ(VerifyStandard(secrets, {}, "", absl::UnixEpoch()).ToString().find("top"),
            std::string::npos);
}

}  // namespace
}  // namespace latchwire
