#include "clients/cpp/connection.h"

#include <arpa/inet.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/error.h"
#include "grpcpp/grpcpp.h"
#include "latchwire/v1/delivery_service.grpc.pb.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"

namespace latchwire {
namespace {

class StubConnection : public Connection {
 public:
  StubConnection(const std::shared_ptr<grpc::Channel>& channel, const std::string& key,
                 absl::Duration timeout)
      : authorization_(absl::StrCat("Bearer ", key)),
        timeout_(timeout),
        webhooks_(v1::WebhookService::NewStub(channel)),
        events_(v1::EventService::NewStub(channel)),
        deliveries_(v1::DeliveryService::NewStub(channel)) {}

  absl::StatusOr<v1::Webhook> CreateWebhook(const v1::CreateWebhookRequest& request) override {
    return Call<v1::Webhook>(*webhooks_, &v1::WebhookService::Stub::CreateWebhook, request);
  }
  absl::StatusOr<v1::Webhook> GetWebhook(const v1::GetWebhookRequest& request) override {
    return Call<v1::Webhook>(*webhooks_, &v1::WebhookService::Stub::GetWebhook, request);
  }
  absl::Status DeleteWebhook(const v1::DeleteWebhookRequest& request) override {
    return Call<google::protobuf::Empty>(*webhooks_, &v1::WebhookService::Stub::DeleteWebhook,
                                         request)
        .status();
  }
  absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(
      const v1::SendTestEventRequest& request) override {
    return Call<v1::SendTestEventResponse>(*webhooks_, &v1::WebhookService::Stub::SendTestEvent,
                                           request);
  }
  absl::StatusOr<v1::Event> PublishEvent(const v1::PublishEventRequest& request) override {
    return Call<v1::Event>(*events_, &v1::EventService::Stub::PublishEvent, request);
  }
  absl::StatusOr<v1::ListDeliveriesResponse> ListDeliveries(
      const v1::ListDeliveriesRequest& request) override {
    return Call<v1::ListDeliveriesResponse>(*deliveries_,
                                            &v1::DeliveryService::Stub::ListDeliveries, request);
  }
  absl::StatusOr<v1::ListAttemptsResponse> ListAttempts(
      const v1::ListAttemptsRequest& request) override {
    return Call<v1::ListAttemptsResponse>(*deliveries_, &v1::DeliveryService::Stub::ListAttempts,
                                          request);
  }

 private:
  template <typename Response, typename Stub, typename Request>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization_);
    context.set_deadline(absl::ToChronoTime(SystemClock()->Now() + timeout_));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response;
  }

  const std::string authorization_;
  const absl::Duration timeout_;
  const std::unique_ptr<v1::WebhookService::Stub> webhooks_;
  const std::unique_ptr<v1::EventService::Stub> events_;
  const std::unique_ptr<v1::DeliveryService::Stub> deliveries_;
};

}  // namespace

bool IsLoopbackAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return false;
  std::string host(address.substr(0, colon));
  if (host == "localhost" || host == "[::1]") return true;
  in_addr parsed{};
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1 && ntohl(parsed.s_addr) >> 24 == 127;
}

std::shared_ptr<Connection> MakeConnection(const std::string& address, const std::string& key,
                                           const ConnectionOptions& options) {
  const bool tls = options.tls == ConnectionOptions::Tls::kAutomatic
                       ? !IsLoopbackAddress(address)
                       : options.tls == ConnectionOptions::Tls::kOn;
  const auto credentials = tls ? grpc::SslCredentials(grpc::SslCredentialsOptions())
                               : grpc::InsecureChannelCredentials();
  auto bare = std::make_shared<StubConnection>(grpc::CreateChannel(address, credentials), key,
                                               options.timeout);
  RetryOptions retry;
  retry.timeout = options.timeout;
  return MakeRetryConnection(std::move(bare), std::move(retry));
}

}  // namespace latchwire
