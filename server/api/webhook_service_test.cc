#include <gmock/gmock.h>

#include <map>

#include "core/formats/format.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/testing/test_server.h"
#include "server/api/webhook_converter.h"
#include "server/api/webhook_update.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class WebhookServiceTest : public ::testing::Test {
 protected:
  WebhookServiceTest() : viewer_(server_.MakeKey(Role::kViewer)) {
    stub_ = server_.Stub<v1::WebhookService>();
  }
  static v1::Webhook Simple() {
    v1::Webhook webhook;
    webhook.set_url("http://192.0.2.1/hook?a=%2F");
    return webhook;
  }
  grpc::Status Create(const v1::Webhook& webhook, v1::Webhook* response,
                      const std::string& id = "") {
    KeyContext context(server_.admin());
    v1::CreateWebhookRequest request;
    *request.mutable_webhook() = webhook;
    request.set_webhook_id(id);
    return stub_->CreateWebhook(&context, request, response);
  }
  grpc::Status Get(const std::string& name, v1::Webhook* response, const std::string& token) {
    KeyContext context(token);
    v1::GetWebhookRequest request;
    request.set_name(name);
    return stub_->GetWebhook(&context, request, response);
  }
  grpc::Status Update(const v1::Webhook& webhook, const std::vector<std::string>& mask,
                      v1::Webhook* response) {
    KeyContext context(server_.admin());
    v1::UpdateWebhookRequest request;
    *request.mutable_webhook() = webhook;
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return stub_->UpdateWebhook(&context, request, response);
  }
  grpc::Status Delete(const std::string& name, const std::string& etag = "") {
    KeyContext context(server_.admin());
    v1::DeleteWebhookRequest request;
    request.set_name(name);
    request.set_etag(etag);
    google::protobuf::Empty response;
    return stub_->DeleteWebhook(&context, request, &response);
  }

  TestServer server_;
  const std::string viewer_;
  std::unique_ptr<v1::WebhookService::Stub> stub_;
};

TEST_F(WebhookServiceTest, CreateFillsInTheDefaults) {
  v1::Webhook webhook;
  ASSERT_TRUE(Create(Simple(), &webhook).ok());
  EXPECT_THAT(webhook.name(), StartsWith("webhooks/"));
  EXPECT_EQ(webhook.uid(), 1);
  EXPECT_EQ(webhook.url(), Simple().url());
  EXPECT_EQ(webhook.format(), v1::Webhook::FORMAT_STANDARD_WEBHOOKS);
  EXPECT_EQ(webhook.timeout().seconds(), 15);
  EXPECT_EQ(webhook.retry_policy().delays_size(), 9);
  EXPECT_EQ(webhook.ordering(), v1::Webhook::ORDERING_NONE);
  EXPECT_EQ(webhook.max_in_flight(), 64);
  EXPECT_FALSE(webhook.has_max_event_age());
  EXPECT_THAT(webhook.secret(), StartsWith("whsec_"));
  EXPECT_EQ(webhook.state(), v1::Webhook::STATE_ACTIVE);
  EXPECT_FALSE(webhook.etag().empty());
  ASSERT_TRUE(Create(Simple(), &webhook).ok());
  EXPECT_EQ(webhook.uid(), 2);
}

TEST_F(WebhookServiceTest, SecretsAreShownToThoseWhoMaySeeThem) {
  v1::Webhook webhook = Simple();
  (*webhook.mutable_headers())["authoriZation"] = "Basic abc";
  (*webhook.mutable_headers())["X-Site"] = "7";
  v1::Webhook created, seen;
  ASSERT_TRUE(Create(webhook, &created).ok());
  EXPECT_FALSE(created.secret().empty());
  ASSERT_TRUE(Get(created.name(), &seen, server_.admin()).ok());
  EXPECT_EQ(seen.secret(), "");
  EXPECT_EQ(seen.headers().at("authoriZation"), "Basic abc");
  ASSERT_TRUE(Get("webhooks/1", &seen, viewer_).ok());
  EXPECT_EQ(seen.secret(), "");
  EXPECT_EQ(seen.headers_size(), 1);
  EXPECT_EQ(seen.headers().at("X-Site"), "7");
  ASSERT_TRUE(Update(created, {"display_name"}, &seen).ok());
  EXPECT_EQ(seen.secret(), "");
}

TEST_F(WebhookServiceTest, AChosenIdMakesCreateSafeToRepeat) {
  const std::string id = "0190A6B2-7c3d-7abc-8def-0123456789ab";
  const std::string name = "webhooks/0190a6b2-7c3d-7abc-8def-0123456789ab";
  v1::Webhook webhook;
  ASSERT_TRUE(Create(Simple(), &webhook, id).ok());
  EXPECT_EQ(webhook.name(), name);
  EXPECT_TRUE(Get("webhooks/" + id, &webhook, viewer_).ok());  // in either case
  const grpc::Status again = Create(Simple(), &webhook, id);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(again), "WEBHOOK_ALREADY_EXISTS");
  EXPECT_EQ(DetailsOf(again).info.metadata().at("name"), name);
  EXPECT_THAT(DetailsOf(Create(Simple(), &webhook, "7")).fields(), ElementsAre("webhook_id"));
}

TEST_F(WebhookServiceTest, NamesAllInvalidFieldsAtOnce) {
  v1::Webhook webhook;
  webhook.set_url("ftp://x");
  webhook.set_secret("short");
  webhook.set_max_in_flight(257);
  webhook.set_state(v1::Webhook::STATE_SUSPENDED);
  webhook.mutable_timeout()->set_seconds(61);
  webhook.add_any_of()->set_type_pattern("a..b");
  (*webhook.mutable_headers())["webhook-id"] = "x";
  webhook.mutable_retry_policy()->set_no_retries(true);
  webhook.mutable_retry_policy()->add_delays()->set_seconds(5);
  v1::Webhook response;
  const grpc::Status status = Create(webhook, &response);
  EXPECT_THAT(
      DetailsOf(status).fields(),
      UnorderedElementsAre("webhook.url", "webhook.secret", "webhook.max_in_flight",
                           "webhook.state", "webhook.timeout", "webhook.any_of[0].type_pattern",
                           "webhook.headers[\"webhook-id\"]", "webhook.retry_policy.delays"));
  webhook = Simple();
  webhook.set_format(static_cast<v1::Webhook::Format>(99));
  EXPECT_THAT(DetailsOf(Create(webhook, &response)).fields(), ElementsAre("webhook.format"));
}

TEST_F(WebhookServiceTest, UpdateChangesWhatTheMaskNames) {
  v1::Webhook webhook = Simple();
  webhook.set_display_name("old");
  webhook.add_any_of()->set_type_pattern("a.*");
  webhook.mutable_retry_policy()->set_no_retries(true);
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(webhook, &created).ok());
  v1::Webhook patch;
  patch.set_name("webhooks/1");
  patch.set_display_name("new");
  patch.set_url("https://other.example/");
  ASSERT_TRUE(Update(patch, {"display_name", "any_of"}, &updated).ok());
  EXPECT_EQ(updated.display_name(), "new");
  EXPECT_EQ(updated.url(), webhook.url());
  EXPECT_EQ(updated.any_of_size(), 0);
  EXPECT_TRUE(updated.retry_policy().no_retries());
  EXPECT_NE(updated.etag(), created.etag());
  v1::Webhook read;
  ASSERT_TRUE(Get("webhooks/1", &read, server_.admin()).ok());
  EXPECT_EQ(read.SerializeAsString(), updated.SerializeAsString());
}

TEST_F(WebhookServiceTest, WithoutAMaskWhatIsSetIsChanged) {
  v1::Webhook webhook = Simple();
  webhook.set_display_name("old");
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(webhook, &created).ok());
  v1::Webhook patch;
  patch.set_name(created.name());
  patch.mutable_timeout()->set_seconds(3);
  ASSERT_TRUE(Update(patch, {}, &updated).ok());
  EXPECT_EQ(updated.timeout().seconds(), 3);
  EXPECT_EQ(updated.display_name(), "old");
}

TEST_F(WebhookServiceTest, AStarGivesTheDefaultsButKeepsTheSecret) {
  v1::Webhook webhook = Simple();
  webhook.set_display_name("old");
  webhook.set_max_in_flight(3);
  webhook.set_state(v1::Webhook::STATE_PAUSED);
  webhook.set_secret("whsec_" + std::string(32, 'A'));
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(webhook, &created).ok());
  v1::Webhook patch = Simple();
  patch.set_name(created.name());
  ASSERT_TRUE(Update(patch, {"*"}, &updated).ok());
  EXPECT_EQ(updated.display_name(), "");
  EXPECT_EQ(updated.max_in_flight(), 64);
  EXPECT_EQ(updated.state(), v1::Webhook::STATE_ACTIVE);
  const auto stored = server_.configuration().FindWebhook({kDefaultTenant, 1});
  ASSERT_EQ(stored->secrets.size(), 1u);
  EXPECT_EQ(stored->secrets[0].value, created.secret());
}

TEST_F(WebhookServiceTest, ANewSecretTakesTheFormersPlaceAtOnceAndItsTimeIsShown) {
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  ASSERT_EQ(created.secrets_size(), 1);
  EXPECT_EQ(created.secrets(0).value(), created.secret());
  EXPECT_EQ(created.secrets(0).create_time().seconds(), created.create_time().seconds());
  EXPECT_FALSE(created.secrets(0).has_expire_time());

  v1::Webhook patch;
  patch.set_name(created.name());
  patch.set_secret("whsec_" + std::string(32, 'B'));
  ASSERT_TRUE(Update(patch, {"secret"}, &updated).ok());
  ASSERT_EQ(updated.secrets_size(), 1);
  EXPECT_EQ(updated.secrets(0).value(), "") << "shown by CreateWebhook alone";
  EXPECT_TRUE(updated.secrets(0).has_create_time());
  EXPECT_EQ(server_.configuration().FindWebhook({kDefaultTenant, 1})->secrets[0].value,
            patch.secret());
  *patch.mutable_secrets() = updated.secrets();
  EXPECT_THAT(DetailsOf(Update(patch, {"secrets"}, &updated)).fields(), ElementsAre("update_mask"));
}

TEST(WebhookConverterTest, AnUpdateOfAnotherFieldKeepsAllSecrets) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  Webhook webhook;
  webhook.url = "http://192.0.2.1/";
  webhook.secrets = {{"whsec_" + std::string(32, 'B'), now},
                     {"whsec_" + std::string(32, 'A'), now - absl::Hours(1), now + absl::Hours(1)}};
  v1::UpdateWebhookRequest request;
  request.mutable_webhook()->set_display_name("new");
  const auto kept = ApplyUpdate(webhook, request, {"display_name"}, now + absl::Seconds(1));
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->secrets, webhook.secrets);

  request.mutable_webhook()->set_secret("whsec_" + std::string(32, 'C'));
  const auto replaced = ApplyUpdate(webhook, request, {"secret"}, now + absl::Seconds(1));
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  const std::vector<WebhookSecret> expected = {
      {"whsec_" + std::string(32, 'C'), now + absl::Seconds(1)}};
  EXPECT_EQ(replaced->secrets, expected);
}

TEST_F(WebhookServiceTest, TheOrderingStaysAsItWasCreated) {
  v1::Webhook webhook = Simple();
  webhook.set_ordering(v1::Webhook::ORDERING_BY_SUBJECT);
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(webhook, &created).ok());
  v1::Webhook patch = Simple();
  patch.set_name(created.name());
  ASSERT_TRUE(Update(patch, {"*"}, &updated).ok());
  EXPECT_EQ(updated.ordering(), v1::Webhook::ORDERING_BY_SUBJECT);
  EXPECT_TRUE(Update(updated, {"ordering"}, &updated).ok());
  EXPECT_THAT(DetailsOf(Update(patch, {"ordering"}, &updated)).fields(),
              ElementsAre("webhook.ordering"));
  patch.set_ordering(v1::Webhook::ORDERING_NONE);
  for (const std::vector<std::string>& mask : {std::vector<std::string>{"*"}, {}, {"ordering"}}) {
    EXPECT_THAT(DetailsOf(Update(patch, mask, &updated)).fields(), ElementsAre("webhook.ordering"));
  }
}

TEST_F(WebhookServiceTest, UnknownAndOutputOnlyPathsAreRefused) {
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  const grpc::Status status =
      Update(created, {"uid", "nothing", "retry_policy.delays", "name", "url"}, &updated);
  EXPECT_THAT(DetailsOf(status).fields(),
              ElementsAre("update_mask", "update_mask", "update_mask", "update_mask"));
  EXPECT_THAT(status.error_message(), HasSubstr("`nothing`"));
  EXPECT_EQ(ReasonOf(Update(created, {"*", "url"}, &updated)), "FIELD_INVALID");
  // An etag is a condition; naming it changes nothing.
  EXPECT_TRUE(Update(created, {"etag"}, &updated).ok());
  v1::Webhook patch;
  patch.set_name(created.name());
  EXPECT_THAT(DetailsOf(Update(patch, {"url"}, &updated)).fields(), ElementsAre("webhook.url"));
  EXPECT_THAT(DetailsOf(Update(patch, {"secret"}, &updated)).fields(),
              ElementsAre("webhook.secret"));
}

TEST_F(WebhookServiceTest, AnEtagGuardsUpdateAndDelete) {
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  v1::Webhook patch = created;
  patch.set_display_name("1");
  ASSERT_TRUE(Update(patch, {"display_name"}, &updated).ok());
  patch.set_display_name("2");
  const grpc::Status status = Update(patch, {"display_name"}, &updated);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(status), "ETAG_MISMATCH");
  EXPECT_EQ(ReasonOf(Delete(created.name(), created.etag())), "ETAG_MISMATCH");
  EXPECT_TRUE(Delete(created.name(), updated.etag()).ok());
  EXPECT_EQ(ReasonOf(Delete(created.name())), "WEBHOOK_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get("webhooks/1", &updated, viewer_)), "WEBHOOK_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Update(patch, {"url"}, &updated)), "WEBHOOK_NOT_FOUND");
}

TEST_F(WebhookServiceTest, TheUsersStatesComeAndGo) {
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  v1::Webhook patch;
  patch.set_name(created.name());
  for (const auto state :
       {v1::Webhook::STATE_DISABLED, v1::Webhook::STATE_PAUSED, v1::Webhook::STATE_ACTIVE}) {
    patch.set_state(state);
    ASSERT_TRUE(Update(patch, {"state"}, &updated).ok());
    EXPECT_EQ(updated.state(), state);
  }
  patch.set_state(v1::Webhook::STATE_SUSPENDED);
  EXPECT_THAT(DetailsOf(Update(patch, {"state"}, &updated)).fields(), ElementsAre("webhook.state"));
}

TEST_F(WebhookServiceTest, ASuspendedOneKeepsItsReasonUntilItsStateChanges) {
  v1::Webhook created, updated;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  Webhook suspended = *server_.configuration().FindWebhook({kDefaultTenant, 1});
  suspended.state = WebhookState::kSuspended;
  suspended.state_reason = "receiver answered 410 Gone";
  std::promise<absl::Status> written;
  server_.writer().Submit(latchwire::UpdateWebhook{suspended},
                          [&](const auto& done) { written.set_value(done.result.status()); });
  ASSERT_TRUE(written.get_future().get().ok());
  v1::Webhook read;
  ASSERT_TRUE(Get(created.name(), &read, server_.admin()).ok());
  EXPECT_EQ(read.state(), v1::Webhook::STATE_SUSPENDED);
  read.set_display_name("x");
  ASSERT_TRUE(Update(read, {"*"}, &updated).ok());
  EXPECT_EQ(updated.state(), v1::Webhook::STATE_SUSPENDED);
  EXPECT_EQ(updated.state_reason(), "receiver answered 410 Gone");
  read.set_etag("");
  read.set_state(v1::Webhook::STATE_ACTIVE);
  ASSERT_TRUE(Update(read, {"state"}, &updated).ok());
  EXPECT_EQ(updated.state_reason(), "");
}

TEST_F(WebhookServiceTest, ListsByUidInPages) {
  v1::Webhook created;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Create(Simple(), &created).ok());
  ASSERT_TRUE(Delete("webhooks/3").ok());
  v1::ListWebhooksRequest request;
  request.set_page_size(2);
  std::vector<int64_t> uids;
  do {
    KeyContext context(viewer_);
    v1::ListWebhooksResponse page;
    ASSERT_TRUE(stub_->ListWebhooks(&context, request, &page).ok());
    for (const v1::Webhook& webhook : page.webhooks()) uids.push_back(webhook.uid());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(uids, ElementsAre(1, 2, 4, 5));
}

TEST_F(WebhookServiceTest, SendTestEventReturnsTheAnswer) {
  v1::Webhook created;
  ASSERT_TRUE(Create(Simple(), &created).ok());
  v1::SendTestEventRequest request;
  request.set_name("webhooks/1");
  const auto send = [&](v1::SendTestEventResponse* response) {
    KeyContext context(server_.admin());
    return stub_->SendTestEvent(&context, request, response);
  };
  server_.test_result().http_status = 418;
  server_.test_result().body = std::string(5000, 'x');
  server_.test_result().duration = absl::Milliseconds(1500);
  v1::SendTestEventResponse response;
  ASSERT_TRUE(send(&response).ok());
  EXPECT_EQ(response.http_status(), 418);
  EXPECT_EQ(response.response_body(), std::string(4096, 'x'));
  EXPECT_EQ(response.duration().nanos(), 500'000'000);
  EXPECT_EQ(response.error(), "");
  EXPECT_THAT(server_.tested(), ElementsAre(created.name().substr(9)));

  server_.test_result() = HttpResult();
  server_.test_result().error = TransportError::kBlockedAddress;
  server_.test_result().detail = "127.0.0.1 is loopback";
  ASSERT_TRUE(send(&response).ok());
  EXPECT_EQ(response.error(), "BLOCKED_ADDRESS");
  EXPECT_EQ(response.error_detail(), "127.0.0.1 is loopback");
  server_.test_result().error = TransportError::kOverloaded;
  EXPECT_EQ(ReasonOf(send(&response)), "OVERLOADED");
  server_.test_result().error = TransportError::kShutdown;
  EXPECT_EQ(ReasonOf(send(&response)), "SHUTTING_DOWN");
  request.set_name("webhooks/2");
  EXPECT_EQ(ReasonOf(send(&response)), "WEBHOOK_NOT_FOUND");
}

// A new value of the API that has no row would be refused; a row without a value, never reached.
TEST(WebhookConverterTest, TheTableOfFormatsHasTheValuesOfTheApi) {
  std::map<int64_t, std::string> rows, values;
  for (const FormatRow& row : FormatRows()) {
    rows[static_cast<int64_t>(row.format)] = absl::StrCat("FORMAT_", row.name);
  }
  const google::protobuf::EnumDescriptor& formats = *v1::Webhook::Format_descriptor();
  for (int i = 0; i < formats.value_count(); ++i) {
    if (formats.value(i)->number() == v1::Webhook::FORMAT_UNSPECIFIED) continue;
    values[formats.value(i)->number()] = formats.value(i)->name();
  }
  EXPECT_EQ(rows, values);
}

TEST(WebhookConverterTest, EveryFieldSurvivesTheWayThereAndBack) {
  Webhook webhook;
  webhook.display_name = "n";
  webhook.url = "http://192.0.2.1/";
  webhook.any_of = {{"a.*", "s", "d"}, {"", "", "x"}};
  webhook.headers = {{"X-A", "1"}, {"Authorization", "Basic x"}};
  webhook.secrets = {{"whsec_" + std::string(32, 'A'), absl::FromUnixSeconds(5)}};
  webhook.timeout = absl::Milliseconds(1500);
  webhook.retry_policy.delays = {absl::Seconds(1), absl::Milliseconds(2500)};
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.max_in_flight = 7;
  webhook.max_event_age = absl::Hours(2);
  webhook.annotations = {{"k", "v"}};
  webhook.state = WebhookState::kPaused;
  v1::Webhook proto;
  ToProto(webhook, Secrets::kAll, &proto);
  Webhook back;
  EXPECT_TRUE(FromProto(proto, absl::FromUnixSeconds(5), &back).empty());
  EXPECT_EQ(back.display_name, webhook.display_name);
  EXPECT_EQ(back.url, webhook.url);
  EXPECT_EQ(back.any_of, webhook.any_of);
  EXPECT_EQ(back.headers, webhook.headers);
  EXPECT_EQ(back.secrets, webhook.secrets);
  EXPECT_EQ(back.timeout, webhook.timeout);
  EXPECT_EQ(back.retry_policy, webhook.retry_policy);
  EXPECT_EQ(back.ordering, webhook.ordering);
  EXPECT_EQ(back.max_in_flight, webhook.max_in_flight);
  EXPECT_EQ(back.max_event_age, webhook.max_event_age);
  EXPECT_EQ(back.annotations, webhook.annotations);
  EXPECT_EQ(back.state, webhook.state);
}

}  // namespace
}  // namespace latchwire
