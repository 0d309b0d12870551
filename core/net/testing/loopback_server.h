// An HTTP server on loopback that misbehaves to order, for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/net/testing/test_certificates.h"

namespace latchwire {

// What a server does with one request, step by step. When the steps are over, the connection waits
// for the next request.
class ServerScript {
 public:
  struct Step {
    enum class Kind { kSend, kWait, kClose, kReset };
    Kind kind;
    std::string bytes;
    absl::Duration delay;
  };

  ServerScript& Send(std::string bytes);
  ServerScript& Wait(absl::Duration delay);
  // `bytes` again and again, after `delay` each, until the peer is gone.
  ServerScript& SendForEver(std::string bytes, absl::Duration delay = absl::ZeroDuration());
  ServerScript& Close();
  ServerScript& Reset();  // RST instead of FIN
  ServerScript& SayNothing() { return Wait(absl::InfiniteDuration()); }

  // "HTTP/1.1 200 OK" and so on, with Content-Length and the given header lines.
  static ServerScript Answer(int status, absl::string_view body = "",
                             const std::vector<std::string>& header_lines = {});

  const std::vector<Step>& steps() const { return steps_; }
  bool repeats_last() const { return repeats_last_; }

 private:
  std::vector<Step> steps_;
  bool repeats_last_ = false;
};

struct ServerRequest {
  int connection = 0;  // counted from 1, in the order accepted
  std::string method;
  std::string target;
  std::vector<std::string> header_lines;  // as sent
  std::string body;
  std::string server_name;  // that TLS was asked for

  // The value, matched in any case; empty when there is none.
  std::string Header(absl::string_view name) const;
};

struct LoopbackServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // any free one
  // Answers as soon as the head of a request is there.
  bool answer_at_head = false;
  // Runs on every new connection before anything is read.
  std::function<ServerScript()> on_connect;
  // Serves TLS when a certificate is set.
  TestCertificate certificate;
  bool only_tls_1_1 = false;
  bool only_tls_1_2 = false;
  // When set, clients without a certificate of this authority (PEM) are refused.
  std::string client_ca_pem;
};

// Runs on a thread of its own from construction to destruction. Thread-safe.
class LoopbackServer {
 public:
  using Handler = std::function<ServerScript(const ServerRequest&)>;

  // The handler runs on the server's thread.
  explicit LoopbackServer(Handler handler, LoopbackServerOptions options = {});
  ~LoopbackServer();

  int port() const;
  // "http://127.0.0.1:1234" + target, https when it serves TLS.
  std::string Url(absl::string_view target = "/") const;
  std::vector<ServerRequest> requests() const;
  int accepted_connections() const;
  // Both return at once when it has happened already.
  void WaitForRequests(size_t count);
  void WaitForClosedConnections(int count);

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace latchwire
