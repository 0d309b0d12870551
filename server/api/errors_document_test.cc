// docs/errors.md names every reason there is, and none that there is not.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/testing/simulated_world.h"
#include "core/base/testing/source_tree.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "latchwire/v1/error_reason.pb.h"
#include "server/api/status.h"
#include "server/state/event_quota.h"
#include "server/store/driver/driver_errors.h"

namespace latchwire {
namespace {

constexpr char kPrefix[] = "ERROR_REASON_";

TEST(ErrorsDocumentTest, NamesEveryReason) {
  std::stringstream text;
  text << std::ifstream(SourcePath("docs/errors.md")).rdbuf();
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
  std::ifstream file(SourcePath("docs/errors.md"));
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

// By their reasons, with the details in the order of the document.
std::map<std::string, google::rpc::Status> Samples() {
  std::stringstream text;
  text << std::ifstream(SourcePath("docs/errors.md")).rdbuf();
  std::map<std::string, google::rpc::Status> samples;
  const std::vector<std::string> parts = absl::StrSplit(text.str(), "```");
  for (const std::string& part : parts) {
    if (!absl::StartsWith(part, "json\n")) continue;
    google::rpc::Status sample;
    const auto read = google::protobuf::util::JsonStringToMessage(part.substr(5), &sample);
    EXPECT_TRUE(read.ok()) << part << read.ToString();
    google::rpc::ErrorInfo info;
    EXPECT_TRUE(sample.details_size() > 0 && sample.details(0).UnpackTo(&info)) << part;
    samples[info.reason()] = sample;
  }
  return samples;
}

google::rpc::Status Sent(const absl::Status& status) {
  google::rpc::Status sent;
  EXPECT_TRUE(sent.ParseFromString(ToGrpcStatus(status).error_details()));
  return sent;
}

TEST(ErrorsDocumentTest, ItsSamplesAreWhatIsSent) {
  constexpr char kJob[] = "0190a6b2-7c3d-7abc-8def-0123456789ab";
  SimulatedClock clock(absl::UnixEpoch());
  Configuration configuration;
  latchwire::CreateTenant::Result created;
  created.tenant.id = 1;
  created.tenant.settings.quotas.max_events_per_s = 50;
  const Mutation mutation = latchwire::CreateTenant();
  const MutationResult result = created;
  configuration.OnCommitted(WrittenBatch({&mutation, 1}, {&result, 1}));
  EventQuota quota(&clock, &configuration);
  EXPECT_TRUE(quota.Take(1, 50).ok());

  const auto samples = Samples();
  for (const absl::Status& status :
       {QueueFullError(7, 100), quota.Take(1, 1), NotFound("TENANT_NOT_FOUND", "tenants/9"),
        NotFound("RECOVERY_JOB_NOT_FOUND", absl::StrCat("recoveryJobs/", kJob)),
        RecoveryJobStateError(kJob),
        InvalidField("event.type",
                     "must be dot-separated segments of A-Z a-z 0-9 _ -, 1 to 200 characters")}) {
    const auto sample = samples.find(ReasonOf(status));
    ASSERT_NE(sample, samples.end()) << status;
    EXPECT_EQ(Sent(status).DebugString(), sample->second.DebugString()) << status;
  }
}

}  // namespace
}  // namespace latchwire
