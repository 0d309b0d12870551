#include "latchwire/client/make_connection.h"

#include <arpa/inet.h>

#include <utility>

#include "absl/strings/match.h"
#include "clients/cpp/loopback.h"
#include "clients/cpp/retrier.h"
#include "clients/cpp/stub_caller.h"
#include "grpcpp/grpcpp.h"

namespace latchwire::client {
namespace {

// gRPC's own default of 1 s and more makes a restart of the server look longer than it is.
constexpr int kFirstReconnectMs = 100;
constexpr int kMaxReconnectMs = 5000;

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
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.root_certificates;
  const auto credentials = tls ? grpc::SslCredentials(ssl) : grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  RetryOptions retry;
  retry.timeout = options.timeout;
  return MakeRetryConnection(
      MakeStubConnection(grpc::CreateCustomChannel(address, credentials, arguments), key),
      std::move(retry));
}

}  // namespace latchwire::client
