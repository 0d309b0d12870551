#include <gmock/gmock.h>

#include "latchwire/v1/delivery_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/recovery_job_converter.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(RecoveryJobConverterTest, EveryFieldSurvivesTheWayThereAndBack) {
  RecoveryJob job;
  job.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
  job.states = {DeliveryState::kDead, DeliveryState::kExpired, DeliveryState::kDropped,
                DeliveryState::kSucceeded};
  job.created_from = absl::FromUnixSeconds(100);
  job.created_before = absl::FromUnixSeconds(200);
  job.event_match = {"a.*", "s", "d"};
  job.state = RecoveryJobState::kCancelled;
  job.examined_count = 5;
  job.recovered_count = 3;
  job.create_time = absl::FromUnixSeconds(300);
  job.end_time = absl::FromUnixSeconds(400);
  v1::RecoveryJob proto;
  ToProto(job, "webhooks/7", &proto);
  EXPECT_EQ(proto.name(), "recoveryJobs/" + job.id);
  EXPECT_EQ(proto.webhook(), "webhooks/7");
  EXPECT_EQ(proto.state(), v1::RecoveryJob::STATE_CANCELLED);
  EXPECT_EQ(proto.examined_count(), 5);
  EXPECT_EQ(proto.recovered_count(), 3);
  EXPECT_EQ(proto.create_time().seconds(), 300);
  EXPECT_EQ(proto.complete_time().seconds(), 400);
  RecoveryJob back;
  EXPECT_TRUE(FromProto(proto, &back).empty());
  EXPECT_EQ(back.states, job.states);
  EXPECT_EQ(back.created_from, job.created_from);
  EXPECT_EQ(back.created_before, job.created_before);
  EXPECT_EQ(back.event_match, job.event_match);
}

TEST(RecoveryJobConverterTest, WithoutAFilterAllThatIsDead) {
  RecoveryJob job;
  EXPECT_TRUE(FromProto(v1::RecoveryJob(), &job).empty());
  EXPECT_THAT(job.states, ElementsAre(DeliveryState::kDead));
  EXPECT_EQ(job.created_from, absl::InfinitePast());
  EXPECT_EQ(job.created_before, absl::InfiniteFuture());
  v1::RecoveryJob proto;
  ToProto(job, "", &proto);
  EXPECT_FALSE(proto.has_start_time());
  EXPECT_FALSE(proto.has_complete_time());
}

class RecoveryJobTest : public ::testing::Test {
 protected:
  RecoveryJobTest() {
    stub_ = server_.Stub<v1::DeliveryService>();
    KeyContext context(server_.admin());
    v1::CreateWebhookRequest request;
    request.mutable_webhook()->set_url("http://192.0.2.1/");
    EXPECT_TRUE(
        server_.Stub<v1::WebhookService>()->CreateWebhook(&context, request, &webhook_).ok());
  }
  grpc::Status Create(const v1::RecoveryJob& job, v1::RecoveryJob* response) {
    KeyContext context(server_.admin());
    v1::CreateRecoveryJobRequest request;
    *request.mutable_recovery_job() = job;
    return stub_->CreateRecoveryJob(&context, request, response);
  }
  grpc::Status Get(const std::string& name, v1::RecoveryJob* response) {
    KeyContext context(server_.admin());
    v1::GetRecoveryJobRequest request;
    request.set_name(name);
    return stub_->GetRecoveryJob(&context, request, response);
  }
  grpc::Status Cancel(const std::string& name, v1::RecoveryJob* response) {
    KeyContext context(server_.admin());
    v1::CancelRecoveryJobRequest request;
    request.set_name(name);
    return stub_->CancelRecoveryJob(&context, request, response);
  }

  TestServer server_;
  v1::Webhook webhook_;
  std::unique_ptr<v1::DeliveryService::Stub> stub_;
};

TEST_F(RecoveryJobTest, IsCreatedReadAndCancelled) {
  v1::RecoveryJob wish, job, read;
  wish.set_webhook("webhooks/1");
  wish.mutable_start_time()->set_seconds(100);
  const grpc::Status status = Create(wish, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(job.name(), StartsWith("recoveryJobs/"));
  EXPECT_EQ(job.webhook(), webhook_.name());
  EXPECT_EQ(job.state(), v1::RecoveryJob::STATE_RUNNING);
  ASSERT_TRUE(Get(job.name(), &read).ok());
  EXPECT_EQ(read.SerializeAsString(), job.SerializeAsString());
  ASSERT_TRUE(Cancel(job.name(), &read).ok());
  EXPECT_EQ(read.state(), v1::RecoveryJob::STATE_CANCELLED);
  EXPECT_TRUE(read.has_complete_time());
  const grpc::Status again = Cancel(job.name(), &read);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(again), "RECOVERY_JOB_STATE");
}

TEST_F(RecoveryJobTest, ListsTheNewestFirst) {
  std::vector<std::string> made, listed;
  for (int i = 0; i < 3; ++i) {
    v1::RecoveryJob job;
    ASSERT_TRUE(Create(v1::RecoveryJob(), &job).ok());
    made.insert(made.begin(), job.name());
  }
  v1::ListRecoveryJobsRequest request;
  request.set_page_size(2);
  do {
    KeyContext context(server_.admin());
    v1::ListRecoveryJobsResponse page;
    ASSERT_TRUE(stub_->ListRecoveryJobs(&context, request, &page).ok());
    for (const auto& job : page.recovery_jobs()) listed.push_back(job.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, made);
}

TEST_F(RecoveryJobTest, AWrongFilterIsNamed) {
  v1::RecoveryJob job, response;
  job.add_delivery_states(v1::Delivery::STATE_DEAD);
  job.add_delivery_states(v1::Delivery::STATE_PENDING);
  job.mutable_event_match()->set_type_pattern("a..b");
  EXPECT_THAT(
      DetailsOf(Create(job, &response)).fields(),
      ElementsAre("recovery_job.delivery_states[1]", "recovery_job.event_match.type_pattern"));
  job.Clear();
  job.mutable_start_time()->set_seconds(100);
  job.mutable_end_time()->set_seconds(100);
  EXPECT_THAT(DetailsOf(Create(job, &response)).fields(), ElementsAre("recovery_job.end_time"));
  job.Clear();
  job.set_webhook("webhooks/9");
  EXPECT_EQ(ReasonOf(Create(job, &response)), "WEBHOOK_NOT_FOUND");
  job.set_webhook("9");
  EXPECT_THAT(DetailsOf(Create(job, &response)).fields(), ElementsAre("recovery_job.webhook"));
}

TEST_F(RecoveryJobTest, AnUnknownOneIsNotFound) {
  v1::RecoveryJob response;
  for (const char* name : {"recoveryJobs/0190a6b2-7c3d-7abc-8def-0123456789ab", "recoveryJobs/7"}) {
    EXPECT_EQ(ReasonOf(Get(name, &response)), "RECOVERY_JOB_NOT_FOUND");
    EXPECT_EQ(ReasonOf(Cancel(name, &response)), "RECOVERY_JOB_NOT_FOUND");
  }
  EXPECT_EQ(ReasonOf(Get("jobs/7", &response)), "FIELD_INVALID");
}

}  // namespace
}  // namespace latchwire
