#include "server/api/server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/api/api_key_service.h"
#include "server/api/delivery_service.h"
#include "server/api/event_service.h"
#include "server/api/event_type_service.h"
#include "server/api/method_roles.h"
#include "server/api/tenant_service.h"
#include "server/api/webhook_service.h"

namespace latchwire {
namespace {

// Agents' streams are idle at night: pings find the dead ones, and clients may ping as well.
constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinClientPingIntervalMs = 5'000;
constexpr int kMaxStreamsPerConnection = 1'000;

// For connections without a call; a client that is not listening does not hold us up.
constexpr absl::Duration kGoodbye = absl::Milliseconds(50);

absl::Status CheckServices(const std::vector<std::unique_ptr<AuthenticatedService>>& services) {
  std::vector<const google::protobuf::ServiceDescriptor*> descriptors;
  for (const auto& service : services) {
    if (absl::Status status = service->CheckComplete(); !status.ok()) return status;
    descriptors.push_back(
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service->service()));
  }
  return CheckMethodRoles(descriptors);
}

void SetHealth(grpc::Server* server, const std::vector<std::unique_ptr<AuthenticatedService>>& all,
               bool serving) {
  grpc::HealthCheckServiceInterface* health = server->GetHealthCheckService();
  if (health == nullptr) return;
  health->SetServingStatus(serving);  // ""
  for (const auto& service : all) health->SetServingStatus(service->service(), serving);
}

}  // namespace

ApiServer::ApiServer(ApiWorld world, const std::vector<ServiceFactory>& others)
    : event_quota_(world.clock, world.configuration),
      world_(std::move(world)),
      authenticator_(world_.configuration) {
  world_.event_quota = &event_quota_;
  world_.counters = &counters_;
  services_.push_back(std::make_unique<WebhookService>(&world_, &authenticator_));
  services_.push_back(std::make_unique<EventService>(&world_, &authenticator_));
  services_.push_back(std::make_unique<EventTypeService>(&authenticator_));
  services_.push_back(std::make_unique<DeliveryService>(&world_, &authenticator_));
  services_.push_back(std::make_unique<TenantService>(&world_, &authenticator_));
  services_.push_back(std::make_unique<ApiKeyService>(&world_, &authenticator_));
  for (const ServiceFactory& make : others) services_.push_back(make(&world_, &authenticator_));
}

ApiServer::~ApiServer() {
  if (server_ == nullptr) return;
  BeginShutdown();
  FinishShutdown(absl::ZeroDuration());
}

absl::Status ApiServer::Start(const ApiServerOptions& options) {
  if (absl::Status status = CheckServices(services_); !status.ok()) return status;
  grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  grpc::ServerBuilder builder;
  builder.AddListeningPort(
      options.listen, options.credentials ? options.credentials : grpc::InsecureServerCredentials(),
      &port_);
  builder.SetMaxReceiveMessageSize(kMaxReceiveMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    server_.reset();
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen, ": the address is in use or not ours"));
  }
  SetHealth(server_.get(), services_, true);
  return absl::OkStatus();
}

void ApiServer::BeginShutdown() {
  if (server_ == nullptr) return;
  SetHealth(server_.get(), services_, false);
  for (const auto& service : services_) {
    service->calls().Close();
    service->Drain();
  }
}

void ApiServer::FinishShutdown(absl::Duration timeout) {
  if (server_ == nullptr) return;
  const absl::Duration end = world_.clock->Monotonic() + timeout;
  for (const auto& service : services_) {
    service->calls().WaitForNone(*world_.clock, end - world_.clock->Monotonic());
  }
  server_->Shutdown(absl::ToChronoTime(world_.clock->Now() + kGoodbye));
  server_->Wait();
  server_.reset();
}

std::vector<const AuthenticatedService*> ApiServer::services() const {
  std::vector<const AuthenticatedService*> all;
  for (const auto& service : services_) all.push_back(service.get());
  return all;
}

}  // namespace latchwire
