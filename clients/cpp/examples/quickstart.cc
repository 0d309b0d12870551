// A webhook from creation to a verified delivery, against a running server.
//
//   LATCHWIRE_ADDRESS=127.0.0.1:50051 LATCHWIRE_KEY=<id>.<secret> cpp-quickstart
//
// The receiver listens on loopback, so the server must run with --allow_networks 127.0.0.0/8.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "latchwire/client/client.h"
#include "latchwire/client/error.h"
#include "latchwire/client/make_connection.h"
#include "latchwire/client/verify.h"

namespace {

struct Received {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// As much of an HTTP server as a verified delivery needs: one POST with a Content-Length.
class Receiver {
 public:
  Receiver() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) == 0 && listen(listener_, 8) == 0 &&
        getsockname(listener_, generic, &size) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  ~Receiver() { close(listener_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  int port() const { return port_; }  // 0 when it could not listen

  // Takes one request, answers it with 204, and returns it.
  absl::StatusOr<Received> Receive(int timeout_ms) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, timeout_ms) != 1) return absl::DeadlineExceededError("nothing arrived");
    const int connection = accept(listener_, nullptr, nullptr);
    absl::StatusOr<Received> received = Read(connection, timeout_ms);
    if (received.ok()) {
      constexpr absl::string_view kAnswer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
      send(connection, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
    }
    close(connection);
    return received;
  }

 private:
  static absl::StatusOr<Received> Read(int connection, int timeout_ms) {
    std::string text;
    Received received;
    size_t body_start = std::string::npos;
    size_t body_size = 0;
    while (body_start == std::string::npos || text.size() < body_start + body_size) {
      pollfd waiting{connection, POLLIN, 0};
      char buffer[4096];
      ssize_t size = 0;
      if (poll(&waiting, 1, timeout_ms) != 1 ||
          (size = recv(connection, buffer, sizeof(buffer), 0)) <= 0) {
        return absl::DataLossError("the request ended early");
      }
      text.append(buffer, static_cast<size_t>(size));
      const size_t end = text.find("\r\n\r\n");
      if (body_start != std::string::npos || end == std::string::npos) continue;
      body_start = end + 4;
      for (absl::string_view line : absl::StrSplit(text.substr(0, end), "\r\n")) {
        const std::pair<absl::string_view, absl::string_view> field =
            absl::StrSplit(line, absl::MaxSplits(':', 1));
        const absl::string_view value = absl::StripAsciiWhitespace(field.second);
        received.headers.emplace_back(field.first, value);
        if (absl::EqualsIgnoreCase(field.first, "Content-Length") &&
            !absl::SimpleAtoi(value, &body_size)) {
          return absl::DataLossError("the request's Content-Length is not a number");
        }
      }
    }
    received.body = text.substr(body_start, body_size);
    return received;
  }

  const int listener_;
  int port_ = 0;
};

absl::Status Follow(const latchwire::client::Client& client, const std::string& secret,
                    Receiver& receiver) {
  latchwire::v1::Event event;
  event.set_type("door.opened");
  event.set_source("panel-1");
  event.set_subject("door-7");
  event.set_json(R"({"door":7})");
  const auto published = client.Publish(event);
  if (!published.ok()) return published.status();
  std::cout << "published " << published->name() << " as number " << published->number() << "\n";

  const auto received = receiver.Receive(30'000);
  if (!received.ok()) return received.status();
  const absl::Status verified =
      latchwire::client::verify::Standard({secret}, received->headers, received->body);
  if (!verified.ok()) return verified;
  std::cout << "received and verified " << received->body << "\n";

  latchwire::v1::ListDeliveriesRequest deliveries;
  deliveries.set_event(published->name());
  const auto listed = client.ListDeliveries(deliveries);
  if (!listed.ok()) return listed.status();
  for (const latchwire::v1::Delivery& delivery : *listed) {
    std::cout << delivery.name() << " goes to " << delivery.webhook() << "\n";
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& address, const std::string& key) {
  Receiver receiver;
  if (receiver.port() == 0) return absl::UnavailableError("cannot listen on 127.0.0.1");
  const std::string url = absl::StrCat("http://127.0.0.1:", receiver.port(), "/hook");

  const latchwire::client::Client client(latchwire::client::MakeConnection(address, key));
  const auto webhook = client.CreateWebhook(url, {"door.opened"});
  if (!webhook.ok()) return webhook.status();
  std::cout << "created " << webhook->name() << "\n";
  const absl::Status followed = Follow(client, webhook->secret(), receiver);
  const absl::Status deleted = client.DeleteWebhook(webhook->name());
  return followed.ok() ? deleted : followed;
}

}  // namespace

int main() {
  const char* const address = std::getenv("LATCHWIRE_ADDRESS");
  const char* const key = std::getenv("LATCHWIRE_KEY");
  if (address == nullptr || key == nullptr) {
    std::cerr << "LATCHWIRE_ADDRESS and LATCHWIRE_KEY must be set\n";
    return 2;
  }
  const absl::Status status = Run(address, key);
  if (status.ok()) return 0;
  std::cerr << latchwire::client::DetailsOf(status).reason << " " << status.message() << "\n";
  return 1;
}
