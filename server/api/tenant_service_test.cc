#include <gmock/gmock.h>

#include "latchwire/v1/api_key_service.grpc.pb.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/tenant_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class TenantServiceTest : public ::testing::Test {
 protected:
  TenantServiceTest() : operator_(server_.MakeKey(Role::kOperator, "", kNoTenant)) {
    stub_ = server_.Stub<v1::TenantService>();
    keys_ = server_.Stub<v1::ApiKeyService>();
  }
  grpc::Status Create(const v1::Tenant& tenant, v1::Tenant* response) {
    KeyContext context(operator_);
    v1::CreateTenantRequest request;
    *request.mutable_tenant() = tenant;
    return stub_->CreateTenant(&context, request, response);
  }
  grpc::Status Get(const std::string& token, const std::string& name, v1::Tenant* response) {
    KeyContext context(token);
    v1::GetTenantRequest request;
    request.set_name(name);
    return stub_->GetTenant(&context, request, response);
  }
  grpc::Status Update(const v1::Tenant& patch, const std::vector<std::string>& mask,
                      v1::Tenant* response) {
    KeyContext context(operator_);
    v1::UpdateTenantRequest request;
    *request.mutable_tenant() = patch;
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return stub_->UpdateTenant(&context, request, response);
  }
  grpc::Status CreateKey(const std::string& token, v1::ApiKey::Role role, const std::string& tenant,
                         v1::ApiKey* response) {
    KeyContext context(token);
    v1::CreateApiKeyRequest request;
    request.mutable_api_key()->set_role(role);
    request.mutable_api_key()->set_tenant(tenant);
    return keys_->CreateApiKey(&context, request, response);
  }

  TestServer server_;
  const std::string operator_;
  std::unique_ptr<v1::TenantService::Stub> stub_;
  std::unique_ptr<v1::ApiKeyService::Stub> keys_;
};

TEST_F(TenantServiceTest, ANewTenantHasDefaultsAndNumbersOfItsOwn) {
  v1::Tenant tenant, second;
  v1::Tenant wish;
  wish.set_display_name("Building 7");
  ASSERT_TRUE(Create(wish, &tenant).ok());
  EXPECT_EQ(tenant.name(), "tenants/2");
  EXPECT_EQ(tenant.display_name(), "Building 7");
  EXPECT_EQ(tenant.event_retention().seconds(), 30 * 86400);
  EXPECT_EQ(tenant.max_held_time().seconds(), 60 * 86400);
  EXPECT_FALSE(tenant.has_quotas());
  EXPECT_TRUE(tenant.has_create_time());
  EXPECT_FALSE(tenant.etag().empty());
  ASSERT_TRUE(Create(wish, &second).ok());
  EXPECT_EQ(second.name(), "tenants/3");
  v1::Tenant read;
  ASSERT_TRUE(Get(operator_, "tenants/2", &read).ok());
  EXPECT_EQ(read.SerializeAsString(), tenant.SerializeAsString());
}

TEST_F(TenantServiceTest, AllThatIsWrongIsNamedAtOnce) {
  v1::Tenant tenant, response;
  tenant.set_display_name(std::string(201, 'x'));
  tenant.mutable_event_retention()->set_seconds(59);
  tenant.mutable_max_held_time()->set_seconds(-1);
  tenant.mutable_quotas()->set_max_events_per_second(0.0001);
  tenant.mutable_quotas()->set_max_stored_bytes(-1);
  tenant.mutable_quotas()->set_max_webhooks(-1);
  EXPECT_THAT(DetailsOf(Create(tenant, &response)).fields(),
              UnorderedElementsAre("tenant.display_name", "tenant.event_retention",
                                   "tenant.max_held_time", "tenant.quotas.max_events_per_second",
                                   "tenant.quotas.max_stored_bytes", "tenant.quotas.max_webhooks"));
}

TEST_F(TenantServiceTest, UpdateChangesWhatTheMaskNames) {
  v1::Tenant tenant, updated;
  v1::Tenant wish;
  wish.set_display_name("a");
  wish.mutable_event_retention()->set_seconds(3600);
  ASSERT_TRUE(Create(wish, &tenant).ok());
  v1::Tenant patch;
  patch.set_name(tenant.name());
  patch.mutable_quotas()->set_max_webhooks(5);
  ASSERT_TRUE(Update(patch, {}, &updated).ok());
  EXPECT_EQ(updated.quotas().max_webhooks(), 5);
  EXPECT_EQ(updated.display_name(), "a");
  EXPECT_EQ(updated.event_retention().seconds(), 3600);
  EXPECT_NE(updated.etag(), tenant.etag());
  patch.set_etag(tenant.etag());
  EXPECT_EQ(ReasonOf(Update(patch, {}, &updated)), "ETAG_MISMATCH");
  patch.clear_etag();
  patch.clear_quotas();
  ASSERT_TRUE(Update(patch, {"*"}, &updated).ok());
  EXPECT_EQ(updated.display_name(), "");
  EXPECT_FALSE(updated.has_quotas());
  EXPECT_EQ(updated.event_retention().seconds(), 30 * 86400);
  EXPECT_THAT(DetailsOf(Update(patch, {"stored_bytes", "x"}, &updated)).fields(),
              ElementsAre("update_mask", "update_mask"));
  patch.set_name("tenants/99");
  EXPECT_EQ(ReasonOf(Update(patch, {"*"}, &updated)), "TENANT_NOT_FOUND");
}

TEST_F(TenantServiceTest, OthersSeeTheirOwnTenantOnly) {
  v1::Tenant tenant, read;
  ASSERT_TRUE(Create(v1::Tenant(), &tenant).ok());
  const std::string viewer = server_.MakeKey(Role::kViewer, "", 2);
  ASSERT_TRUE(Get(viewer, "tenants/-", &read).ok());
  EXPECT_EQ(read.name(), "tenants/2");
  ASSERT_TRUE(Get(viewer, "tenants/2", &read).ok());
  EXPECT_EQ(ReasonOf(Get(viewer, "tenants/1", &read)), "TENANT_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get(viewer, "tenants/77", &read)), "TENANT_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get(operator_, "tenants/-", &read)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(Get(operator_, "tenants/0", &read)), "FIELD_INVALID");
}

TEST_F(TenantServiceTest, ListsByNumberInPages) {
  v1::Tenant tenant;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Create(v1::Tenant(), &tenant).ok());
  std::vector<std::string> names;
  v1::ListTenantsRequest request;
  request.set_page_size(2);
  do {
    KeyContext context(operator_);
    v1::ListTenantsResponse page;
    ASSERT_TRUE(stub_->ListTenants(&context, request, &page).ok());
    for (const v1::Tenant& one : page.tenants()) names.push_back(one.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  names.erase(std::remove(names.begin(), names.end(), "tenants/1"), names.end());
  EXPECT_THAT(names, ElementsAre("tenants/2", "tenants/3", "tenants/4"));
}

TEST_F(TenantServiceTest, OperatorsMakeTheKeysOfAnyTenant) {
  v1::Tenant tenant;
  ASSERT_TRUE(Create(v1::Tenant(), &tenant).ok());
  v1::ApiKey key;
  ASSERT_TRUE(CreateKey(operator_, v1::ApiKey::ROLE_ADMIN, "tenants/2", &key).ok());
  EXPECT_EQ(key.tenant(), "tenants/2");
  v1::Tenant own;
  ASSERT_TRUE(Get(key.token(), "tenants/-", &own).ok());
  EXPECT_EQ(own.name(), "tenants/2");

  KeyContext list_context(operator_);
  v1::ListApiKeysRequest list;
  list.set_tenant("tenants/2");
  v1::ListApiKeysResponse listed;
  ASSERT_TRUE(keys_->ListApiKeys(&list_context, list, &listed).ok());
  ASSERT_EQ(listed.api_keys_size(), 1);
  EXPECT_EQ(listed.api_keys(0).name(), key.name());

  KeyContext delete_context(operator_);
  v1::DeleteApiKeyRequest remove;
  remove.set_name(key.name());
  google::protobuf::Empty nothing;
  ASSERT_TRUE(keys_->DeleteApiKey(&delete_context, remove, &nothing).ok());
  EXPECT_EQ(ReasonOf(Get(key.token(), "tenants/-", &own)), "API_KEY_INVALID");

  EXPECT_THAT(DetailsOf(CreateKey(operator_, v1::ApiKey::ROLE_ADMIN, "", &key)).fields(),
              ElementsAre("api_key.tenant"));
  EXPECT_THAT(DetailsOf(CreateKey(operator_, v1::ApiKey::ROLE_ADMIN, "2", &key)).fields(),
              ElementsAre("api_key.tenant"));
  EXPECT_EQ(ReasonOf(CreateKey(operator_, v1::ApiKey::ROLE_ADMIN, "tenants/9", &key)),
            "TENANT_NOT_FOUND");
}

TEST_F(TenantServiceTest, OnlyOperatorsMakeOperators) {
  v1::ApiKey key;
  ASSERT_TRUE(CreateKey(operator_, v1::ApiKey::ROLE_OPERATOR, "", &key).ok());
  EXPECT_EQ(key.tenant(), "");
  EXPECT_THAT(
      DetailsOf(CreateKey(operator_, v1::ApiKey::ROLE_OPERATOR, "tenants/1", &key)).fields(),
      ElementsAre("api_key.tenant"));
  EXPECT_THAT(DetailsOf(CreateKey(server_.admin(), v1::ApiKey::ROLE_OPERATOR, "", &key)).fields(),
              ElementsAre("api_key.role"));
  // An admin's own tenant may be named; another is as good as none.
  ASSERT_TRUE(CreateKey(server_.admin(), v1::ApiKey::ROLE_VIEWER, "tenants/1", &key).ok());
  EXPECT_EQ(ReasonOf(CreateKey(server_.admin(), v1::ApiKey::ROLE_VIEWER, "tenants/2", &key)),
            "TENANT_NOT_FOUND");
}

TEST_F(TenantServiceTest, QuotasHoldAtTheEntrance) {
  v1::Tenant wish, tenant;
  wish.mutable_quotas()->set_max_events_per_second(0.001);
  wish.mutable_quotas()->set_max_webhooks(1);
  ASSERT_TRUE(Create(wish, &tenant).ok());
  const std::string admin = server_.MakeKey(Role::kAdmin, "", 2);
  const auto publish = [&] {
    KeyContext context(admin);
    v1::PublishEventRequest request;
    request.mutable_event()->set_type("a");
    request.mutable_event()->set_json("{}");
    v1::Event event;
    return server_.Stub<v1::EventService>()->PublishEvent(&context, request, &event);
  };
  EXPECT_TRUE(publish().ok());
  const grpc::Status refused = publish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
  ASSERT_TRUE(DetailsOf(refused).retry.has_value());
  EXPECT_GT(DetailsOf(refused).retry->retry_delay().seconds(), 900);
  EXPECT_EQ(server_.api().counters().refused_events_per_second, 1);

  const auto create = [&] {
    KeyContext context(admin);
    v1::CreateWebhookRequest request;
    request.mutable_webhook()->set_url("http://192.0.2.1/");
    v1::Webhook webhook;
    return server_.Stub<v1::WebhookService>()->CreateWebhook(&context, request, &webhook);
  };
  EXPECT_TRUE(create().ok());
  const grpc::Status full = create();
  EXPECT_EQ(ReasonOf(full), "QUOTA_EXCEEDED");
  EXPECT_EQ(DetailsOf(full).info.metadata().at("quota"), "max_webhooks");
  EXPECT_EQ(server_.api().counters().refused_webhooks, 1);
  v1::Tenant read;
  ASSERT_TRUE(Get(operator_, "tenants/2", &read).ok());
  EXPECT_EQ(read.webhook_count(), 1);
}

}  // namespace
}  // namespace latchwire
