// Every method of every service, out of the descriptors, called by those who may not.
#include "server/api/adapter.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/sync_stream.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/testing/source_tree.h"
#include "latchwire/v1/api_key_service.grpc.pb.h"
#include "latchwire/v1/delivery_service.grpc.pb.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/method_roles.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::vector<const ServiceDescriptor*> Services(const TestServer& server) {
  std::vector<const ServiceDescriptor*> all;
  for (const AuthenticatedService* service : const_cast<TestServer&>(server).api().services()) {
    all.push_back(DescriptorPool::generated_pool()->FindServiceByName(service->service()));
  }
  return all;
}

void ForEachMethod(const TestServer& server,
                   const std::function<void(const MethodDescriptor*)>& visit) {
  for (const ServiceDescriptor* service : Services(server)) {
    for (int i = 0; i < service->method_count(); ++i) visit(service->method(i));
  }
}

struct Answer {
  grpc::Status status;
  std::string bytes;  // the (first) response
};

std::string ToText(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

// Calls any method with serialised bytes, unary or streaming.
Answer Call(TestServer& server, const MethodDescriptor* method, const std::string& token,
            const std::string& request) {
  KeyContext context(token);
  const std::string path = absl::StrCat("/", method->service()->full_name(), "/", method->name());
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  grpc::ByteBuffer response;
  Answer answer;
  if (!method->client_streaming() && !method->server_streaming()) {
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    answer.status = grpc::internal::BlockingUnaryCall(server.channel().get(), rpc, &context,
                                                      message, &response);
  } else {
    EXPECT_TRUE(method->client_streaming() && method->server_streaming()) << path;
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
            server.channel().get(), rpc, &context));
    stream->Write(message);
    stream->WritesDone();
    stream->Read(&response);
    answer.status = stream->Finish();
  }
  answer.bytes = ToText(response);
  return answer;
}

TEST(AdapterTest, EveryMethodHasARoleAndAHandler) {
  TestServer server;  // its start checked both
  EXPECT_TRUE(CheckMethodRoles(Services(server)).ok());
  for (const AuthenticatedService* service : server.api().services()) {
    EXPECT_TRUE(service->CheckComplete().ok()) << service->service();
  }
}

TEST(AdapterTest, AMissingOrASuperfluousRoleIsFound) {
  TestServer server;
  const auto services = Services(server);
  const absl::Span<const MethodRole> all = MethodRoles();
  const absl::Status missing = CheckMethodRoles(services, all.subspan(1));
  EXPECT_THAT(std::string(missing.message()),
              HasSubstr(absl::StrCat(all[0].method, " has no role")));
  std::vector<MethodRole> more(all.begin(), all.end());
  more.push_back({"latchwire.v1.EventService.Nothing", Role::kAdmin});
  EXPECT_THAT(std::string(CheckMethodRoles(services, more).message()),
              HasSubstr("EventService.Nothing is not a known method"));
}

class HalfService : public AuthenticatedService {
 public:
  explicit HalfService(const Authenticator* authenticator)
      : AuthenticatedService("latchwire.v1.ApiKeyService", authenticator) {
    AddUnary<v1::ListApiKeysRequest, v1::ListApiKeysResponse>(
        "ListApiKeys", [](const auto&, auto*, auto*, Done done) { done(absl::OkStatus()); });
  }
};

TEST(AdapterTest, AMissingHandlerIsFound) {
  Configuration configuration;
  const Authenticator authenticator(&configuration);
  EXPECT_THAT(std::string(HalfService(&authenticator).CheckComplete().message()),
              HasSubstr("methods without a handler: [CreateApiKey, DeleteApiKey]"));
}

// A service in the protos that is never registered would be open to nobody, but also tested by
// nobody.
TEST(AdapterTest, EveryServiceOfTheProtosIsServed) {
  TestServer server;
  std::set<std::string> served;
  for (const ServiceDescriptor* service : Services(server)) served.insert(service->full_name());
  std::set<std::string> declared;
  const std::regex package_line("package ([a-z0-9.]+);");
  const std::regex service_line("service ([A-Za-z]+) \\{");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(SourcePath("protos/latchwire"))) {
    if (entry.path().extension() != ".proto") continue;
    std::ifstream file(entry.path());
    std::string package;
    std::smatch match;
    for (std::string line; std::getline(file, line);) {
      if (std::regex_search(line, match, package_line)) package = match[1];
      if (std::regex_search(line, match, service_line))
        declared.insert(package + "." + match[1].str());
    }
  }
  EXPECT_EQ(declared, served);
}

TEST(AdapterTest, NoMethodAnswersWithoutAKey) {
  TestServer server;
  int methods = 0;
  ForEachMethod(server, [&](const MethodDescriptor* method) {
    const grpc::Status status = Call(server, method, "", "").status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
    EXPECT_EQ(ReasonOf(status), "API_KEY_MISSING") << method->full_name();
    ++methods;
  });
  EXPECT_GE(methods, 18);
}

TEST(AdapterTest, UnknownWrongAndDeletedKeysGetOneAnswer) {
  TestServer server;
  const std::string deleted = server.MakeKey(Role::kAdmin);
  {
    KeyContext context(server.admin());
    v1::DeleteApiKeyRequest request;
    request.set_name("apiKeys/" + deleted.substr(0, deleted.find('.')));
    google::protobuf::Empty response;
    ASSERT_TRUE(server.Stub<v1::ApiKeyService>()->DeleteApiKey(&context, request, &response).ok());
  }
  std::string wrong = server.admin();
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  const std::string unknown = "AAAAAAAAAAAAAAAA" + server.admin().substr(16);
  ForEachMethod(server, [&](const MethodDescriptor* method) {
    std::set<std::string> answers;
    for (const std::string& token : {deleted, wrong, unknown}) {
      const grpc::Status status = Call(server, method, token, "").status;
      EXPECT_EQ(ReasonOf(status), "API_KEY_INVALID") << method->full_name();
      answers.insert(status.error_message() + status.error_details());
    }
    EXPECT_EQ(answers.size(), 1u);
  });
}

TEST(AdapterTest, WeakRolesAreTurnedAway) {
  TestServer server;
  const std::pair<Role, std::string> keys[] = {{Role::kAdmin, server.admin()},
                                               {Role::kPublisher, server.MakeKey(Role::kPublisher)},
                                               {Role::kViewer, server.MakeKey(Role::kViewer)},
                                               {Role::kAgent, server.MakeKey(Role::kAgent, "a")},
                                               {Role::kOperator, server.MakeKey(Role::kOperator)}};
  ForEachMethod(server, [&](const MethodDescriptor* method) {
    const Role required = *RequiredRole(method->full_name());
    for (const auto& [role, token] : keys) {
      const grpc::Status status = Call(server, method, token, "").status;
      if (MayCall(role, method->full_name())) {
        EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
        if (!status.ok()) {
          EXPECT_NE(ReasonOf(status), "ROLE_INSUFFICIENT");
          EXPECT_NE(ReasonOf(status), "INTERNAL") << method->full_name();
        }
        continue;
      }
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method->full_name();
      const ErrorDetails details = DetailsOf(status);
      EXPECT_EQ(details.info.reason(), "ROLE_INSUFFICIENT") << method->full_name();
      EXPECT_EQ(details.info.metadata().at("role"), RoleName(role));
      EXPECT_EQ(details.info.metadata().at("required"), RoleName(required));
    }
  });
}

TEST(AdapterTest, OperatorsManageTenantsAndKeysAndNothingElse) {
  std::set<std::string> services;
  for (const MethodRole& row : MethodRoles()) {
    const std::vector<std::string> parts = absl::StrSplit(row.method, '.');
    if (MayCall(Role::kOperator, row.method)) services.insert(parts[parts.size() - 2]);
  }
  EXPECT_THAT(services, UnorderedElementsAre("TenantService", "ApiKeyService"));
  EXPECT_FALSE(MayCall(Role::kAdmin, "latchwire.v1.TenantService.CreateTenant"));
  EXPECT_FALSE(MayCall(Role::kAdmin, "latchwire.v1.TenantService.UpdateTenant"));
  EXPECT_FALSE(MayCall(Role::kAdmin, "latchwire.v1.TenantService.ListTenants"));
}

TEST(AdapterTest, ABrokenMessageIsAnErrorWithAReason) {
  TestServer server;
  ForEachMethod(server, [&](const MethodDescriptor* method) {
    const Role required = *RequiredRole(method->full_name());
    std::string token = server.admin();
    if (required == Role::kAgent) token = server.MakeKey(Role::kAgent, "a");
    if (required == Role::kOperator) token = server.MakeKey(Role::kOperator);
    const grpc::Status status = Call(server, method, token, "\xff\xff\xff").status;
    EXPECT_EQ(ReasonOf(status), "FIELD_INVALID") << method->full_name();
    EXPECT_THAT(status.error_message(), HasSubstr(method->input_type()->full_name()));
  });
}

// What the owner's resources are full of, and a stranger must never see.
constexpr char kMark[] = "only-for-tenant-one";

// For each method a request for the owner's resources; {key} is the owner's key id. A method
// without an entry fails the test.
std::map<std::string, std::string> ForeignRequests() {
  return {
      {"CreateWebhook", R"(webhook { url: "http://192.0.2.1/" } webhook_id: "{webhook}")"},
      {"GetWebhook", R"(name: "webhooks/{webhook}")"},
      {"ListWebhooks", ""},
      {"UpdateWebhook", R"(webhook { name: "webhooks/1" display_name: "mine" })"},
      {"DeleteWebhook", R"(name: "webhooks/1")"},
      {"SendTestEvent", R"(name: "webhooks/1")"},
      {"PublishEvent", R"(event { id: "e1" type: "a" json: "{}" })"},
      {"BatchPublishEvents", R"(events { id: "e1" type: "a" json: "{}" })"},
      {"GetEvent", R"(name: "events/e1")"},
      {"ListEvents", ""},
      {"GetEventType", R"(name: "eventTypes/of.the.owner")"},
      {"ListEventTypes", ""},
      {"GetDelivery", R"(name: "deliveries/1-1")"},
      {"ListDeliveries", ""},
      {"ListAttempts", R"(parent: "deliveries/1-1")"},
      {"RetryDelivery", R"(name: "deliveries/1-1")"},
      {"CreateRecoveryJob", R"(recovery_job {})"},
      {"GetRecoveryJob", R"(name: "recoveryJobs/{job}")"},
      {"ListRecoveryJobs", ""},
      {"CancelRecoveryJob", R"(name: "recoveryJobs/{job}")"},
      {"GetTenant", R"(name: "tenants/1")"},
      {"CreateApiKey", R"(api_key { role: ROLE_VIEWER tenant: "tenants/1" })"},
      {"ListApiKeys", ""},
      {"DeleteApiKey", R"(name: "apiKeys/{key}")"},
      {"Connect", R"(hello { agent: "owner-agent" epoch: 1 })"},
  };
}

// One of each resource that a tenant can have, with kMark in it.
struct Owned {
  v1::Webhook webhook;
  v1::Event event;
  v1::ApiKey key;
  v1::RecoveryJob job;
};

void CreateOneOfEach(TestServer& server, Owned* owned) {
  {
    KeyContext context(server.admin());
    v1::CreateWebhookRequest request;
    request.mutable_webhook()->set_url("http://192.0.2.1/");
    request.mutable_webhook()->set_display_name(kMark);
    ASSERT_TRUE(
        server.Stub<v1::WebhookService>()->CreateWebhook(&context, request, &owned->webhook).ok());
  }
  {
    KeyContext context(server.admin());
    v1::PublishEventRequest request;
    request.mutable_event()->set_id("e1");
    request.mutable_event()->set_type(kMark);
    request.mutable_event()->set_json("{}");
    ASSERT_TRUE(
        server.Stub<v1::EventService>()->PublishEvent(&context, request, &owned->event).ok());
  }
  {
    KeyContext context(server.admin());
    v1::CreateApiKeyRequest request;
    request.mutable_api_key()->set_role(v1::ApiKey::ROLE_VIEWER);
    request.mutable_api_key()->set_display_name(kMark);
    ASSERT_TRUE(
        server.Stub<v1::ApiKeyService>()->CreateApiKey(&context, request, &owned->key).ok());
  }
  KeyContext context(server.admin());
  v1::CreateRecoveryJobRequest request;
  request.mutable_recovery_job()->mutable_event_match()->set_type_pattern(kMark);
  ASSERT_TRUE(
      server.Stub<v1::DeliveryService>()->CreateRecoveryJob(&context, request, &owned->job).ok());
}

TEST(AdapterTest, AForeignTenantNeitherSeesNorChangesAnything) {
  TestServer server;
  const std::string stranger = server.MakeKey(Role::kAdmin, "", 2);
  const std::string strange_agent = server.MakeKey(Role::kAgent, "stranger-agent", 2);
  Owned owned;
  ASSERT_NO_FATAL_FAILURE(CreateOneOfEach(server, &owned));

  const auto requests = ForeignRequests();
  google::protobuf::DynamicMessageFactory factory;
  const auto call = [&](const MethodDescriptor* method) {
    if (*RequiredRole(method->full_name()) == Role::kOperator) return;  // no tenant's business
    const auto found = requests.find(method->name());
    if (found == requests.end()) {
      ADD_FAILURE() << method->full_name() << " needs an entry";
      return;
    }
    const std::string text =
        absl::StrReplaceAll(found->second, {{"{webhook}", owned.webhook.name().substr(9)},
                                            {"{key}", owned.key.name().substr(8)},
                                            {"{job}", owned.job.name().substr(13)}});
    std::unique_ptr<google::protobuf::Message> request(
        factory.GetPrototype(method->input_type())->New());
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << text;
    const bool agent = *RequiredRole(method->full_name()) == Role::kAgent;
    const Answer answer =
        Call(server, method, agent ? strange_agent : stranger, request->SerializeAsString());
    EXPECT_THAT(answer.bytes, Not(HasSubstr(kMark))) << method->full_name();
    if (agent) {
      EXPECT_EQ(ReasonOf(answer.status), "AGENT_MISMATCH");
    } else if (absl::StrContains(text, "/")) {
      const bool creates = method->name() == "CreateWebhook";
      EXPECT_EQ(answer.status.error_code(),
                creates ? grpc::StatusCode::OK : grpc::StatusCode::NOT_FOUND)
          << method->full_name();
    } else {
      EXPECT_TRUE(answer.status.ok()) << method->full_name();
    }
  };
  // What a stranger creates, even under the owner's ids, comes last and is its own.
  const auto creates = [](const MethodDescriptor* method) {
    return absl::StrContains(method->name(), "Create") ||
           absl::StrContains(method->name(), "Publish");
  };
  ForEachMethod(server, [&](const auto* method) {
    if (!creates(method)) call(method);
  });
  ForEachMethod(server, [&](const auto* method) {
    if (creates(method)) call(method);
  });

  KeyContext context(server.admin());
  v1::GetWebhookRequest get;
  get.set_name(owned.webhook.name());
  v1::Webhook unchanged;
  ASSERT_TRUE(server.Stub<v1::WebhookService>()->GetWebhook(&context, get, &unchanged).ok());
  EXPECT_EQ(unchanged.etag(), owned.webhook.etag());
}

TEST(AdapterTest, TheSchemeIsReadInAnyCaseAndOthersAreNot) {
  TestServer server;
  const Authenticator authenticator(&server.configuration());
  const char* method = "latchwire.v1.EventService.GetEvent";
  EXPECT_TRUE(authenticator.Authenticate("bearer " + server.admin(), method).ok());
  for (const std::string& value :
       {std::string("Bearer"), std::string("Bearer "), "Basic " + server.admin(), server.admin(),
        "Bearer " + server.admin() + " x", std::string("Bearer ab")}) {
    EXPECT_EQ(ReasonOf(authenticator.Authenticate(value, method).status()), "API_KEY_MISSING")
        << value;
  }
  EXPECT_EQ(ReasonOf(authenticator.Authenticate("Bearer " + server.admin(), "no.Method").status()),
            "");
}

TEST(AdapterTest, ADroppedCallIsAnswered) {
  absl::Status answer;
  {
    Done done([&](absl::Status status) { answer = std::move(status); });
  }
  EXPECT_EQ(answer.code(), absl::StatusCode::kInternal);
  {
    Done done([&](absl::Status status) { answer = std::move(status); });
    Done moved(std::move(done));
    moved(absl::OkStatus());
  }
  EXPECT_TRUE(answer.ok());
}

}  // namespace
}  // namespace latchwire
