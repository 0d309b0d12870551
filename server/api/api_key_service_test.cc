#include <gmock/gmock.h>

#include "latchwire/v1/api_key_service.grpc.pb.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;

class ApiKeyServiceTest : public ::testing::Test {
 protected:
  ApiKeyServiceTest() { stub_ = server_.Stub<v1::ApiKeyService>(); }
  grpc::Status Create(v1::ApiKey::Role role, const std::string& agent, v1::ApiKey* response,
                      const std::string& display_name = "") {
    KeyContext context(server_.admin());
    v1::CreateApiKeyRequest request;
    request.mutable_api_key()->set_role(role);
    request.mutable_api_key()->set_agent(agent);
    request.mutable_api_key()->set_display_name(display_name);
    return stub_->CreateApiKey(&context, request, response);
  }
  grpc::Status List(const std::string& token, v1::ListApiKeysRequest request,
                    v1::ListApiKeysResponse* response) {
    KeyContext context(token);
    return stub_->ListApiKeys(&context, request, response);
  }
  grpc::Status Delete(const std::string& name) {
    KeyContext context(server_.admin());
    v1::DeleteApiKeyRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    return stub_->DeleteApiKey(&context, request, &response);
  }

  TestServer server_;
  std::unique_ptr<v1::ApiKeyService::Stub> stub_;
};

TEST_F(ApiKeyServiceTest, ANewKeyWorksUntilItIsDeleted) {
  v1::ApiKey key;
  ASSERT_TRUE(Create(v1::ApiKey::ROLE_ADMIN, "", &key, "ours").ok());
  EXPECT_EQ(key.name(), "apiKeys/" + key.token().substr(0, 16));
  EXPECT_EQ(key.display_name(), "ours");
  v1::ListApiKeysResponse list;
  ASSERT_TRUE(List(key.token(), {}, &list).ok());
  ASSERT_EQ(list.api_keys_size(), 2);
  EXPECT_EQ(list.api_keys(1).name(), key.name());
  EXPECT_EQ(list.api_keys(1).role(), v1::ApiKey::ROLE_ADMIN);
  EXPECT_EQ(list.api_keys(1).token(), "");
  ASSERT_TRUE(Delete(key.name()).ok());
  EXPECT_EQ(ReasonOf(List(key.token(), {}, &list)), "API_KEY_INVALID");
  const grpc::Status again = Delete(key.name());
  EXPECT_EQ(ReasonOf(again), "API_KEY_NOT_FOUND");
  EXPECT_EQ(DetailsOf(again).info.metadata().at("name"), key.name());
}

TEST_F(ApiKeyServiceTest, AgentsAreForAgentKeysOnly) {
  v1::ApiKey key;
  ASSERT_TRUE(Create(v1::ApiKey::ROLE_AGENT, "gate-7.b_c", &key).ok());
  EXPECT_EQ(key.agent(), "gate-7.b_c");
  for (const char* agent : {"", "Gate", "a b", "a/b"}) {
    EXPECT_THAT(DetailsOf(Create(v1::ApiKey::ROLE_AGENT, agent, &key)).fields(),
                ElementsAre("api_key.agent"));
  }
  EXPECT_THAT(DetailsOf(Create(v1::ApiKey::ROLE_VIEWER, "gate", &key)).fields(),
              ElementsAre("api_key.agent"));
  EXPECT_THAT(
      DetailsOf(Create(v1::ApiKey::ROLE_UNSPECIFIED, "", &key, std::string(201, 'x'))).fields(),
      ElementsAre("api_key.display_name", "api_key.role"));
}

TEST_F(ApiKeyServiceTest, ListsInOrderOfCreation) {
  std::vector<std::string> names;
  for (int i = 0; i < 4; ++i) {
    v1::ApiKey key;
    ASSERT_TRUE(Create(v1::ApiKey::ROLE_VIEWER, "", &key).ok());
    names.push_back(key.name());
  }
  std::vector<std::string> listed;
  v1::ListApiKeysRequest request;
  request.set_page_size(2);
  do {
    v1::ListApiKeysResponse page;
    ASSERT_TRUE(List(server_.admin(), request, &page).ok());
    for (const v1::ApiKey& key : page.api_keys()) listed.push_back(key.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(listed.size(), 5u);
  listed.erase(listed.begin());  // the first admin
  EXPECT_EQ(listed, names);
}

}  // namespace
}  // namespace latchwire
