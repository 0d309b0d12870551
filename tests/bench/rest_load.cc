// Publishes over HTTP/JSON from many kept-alive connections at once, each of which waits for its
// answer before its next request. One thread and raw sockets, so that the load costs as little of
// the machine as it can.
//
//   bench-rest HOST:PORT TOKEN CONNECTIONS EVENTS [SECONDS]
//
// Prints {"accepted":N,"failed":N,"start_ns":T,"end_ns":T,"p50_ms":M,"p99_ms":M}.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/bench/load.h"

namespace latchwire::bench {
namespace {

struct Connection {
  int fd = -1;
  std::string in;
  int64_t start_ns = 0;
};

class Load {
 public:
  Load(const char* address, std::string token, int64_t events, double seconds)
      : address_(address), token_(std::move(token)), events_(events), seconds_(seconds) {}

  void Run(int connections) {
    poll_ = epoll_create1(0);
    connections_.resize(static_cast<size_t>(connections));
    for (Connection& connection : connections_) Open(&connection);
    start_ns_ = MonotonicNanos();
    stop_ns_ = seconds_ > 0 ? start_ns_ + static_cast<int64_t>(seconds_ * 1e9) : INT64_MAX;
    for (Connection& connection : connections_) Next(&connection);
    std::array<epoll_event, 128> ready{};
    while (under_way_ > 0) {
      const int count = epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 60'000);
      if (count == 0) Fail("no answer for 60 s");
      for (int i = 0; i < count; ++i) {
        Read(static_cast<Connection*>(ready[static_cast<size_t>(i)].data.ptr));
      }
    }
    std::printf(
        "{\"accepted\":%zu,\"failed\":%lld,\"start_ns\":%lld,\"end_ns\":%lld,\"p50_ms\":%.3f,"
        "\"p99_ms\":%.3f}\n",
        times_ns_.size(), static_cast<long long>(failed_), static_cast<long long>(start_ns_),
        static_cast<long long>(MonotonicNanos()), QuantileMs(&times_ns_, 0.5),
        QuantileMs(&times_ns_, 0.99));
  }

 private:
  void Open(Connection* connection) {
    const size_t colon = address_.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(address_.c_str() + colon + 1)));
    inet_pton(AF_INET, address_.substr(0, colon).c_str(), &address.sin_addr);
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      Fail("bench-rest: cannot connect to " + address_);
    }
    const int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.ptr = connection;
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection->fd, &interest);
  }

  void Next(Connection* connection) {
    connection->start_ns = MonotonicNanos();
    if (started_ >= events_ || connection->start_ns >= stop_ns_) return;
    const auto number = static_cast<uint64_t>(++started_);
    const std::string body = "{\"id\":\"" + MakeV7Id(milliseconds_, number) +
                             "\",\"type\":\"door.opened\",\"source\":\"bench-panel\"," +
                             "\"subject\":\"door-" + std::to_string(number % 100) +
                             "\",\"data\":" + Payload(number, connection->start_ns) + "}";
    const std::string request =
        "POST /v1/events:publish HTTP/1.1\r\nHost: " + address_ + "\r\nAuthorization: Bearer " +
        token_ +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    if (write(connection->fd, request.data(), request.size()) !=
        static_cast<ssize_t>(request.size())) {
      Fail("bench-rest: cannot write");
    }
    ++under_way_;
  }

  // The end of the first answer in `text`, or npos while it is not whole.
  static size_t EndOfAnswer(const std::string& text) {
    const size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return head;
    const char* length = strcasestr(text.c_str(), "\r\ncontent-length:");
    if (length != nullptr && length < text.c_str() + head) {
      const size_t end = head + 4 + static_cast<size_t>(std::atoll(length + 17));
      return text.size() >= end ? end : std::string::npos;
    }
    const size_t last_chunk = text.find("\r\n0\r\n\r\n", head);
    return last_chunk == std::string::npos ? last_chunk : last_chunk + 7;
  }

  void Read(Connection* connection) {
    char chunk[16384];
    const ssize_t size = read(connection->fd, chunk, sizeof(chunk));
    if (size <= 0) Fail("bench-rest: the connection was closed");
    connection->in.append(chunk, static_cast<size_t>(size));
    const size_t end = EndOfAnswer(connection->in);
    if (end == std::string::npos) return;
    if (connection->in.compare(0, 12, "HTTP/1.1 200") == 0) {
      times_ns_.push_back(MonotonicNanos() - connection->start_ns);
    } else if (++failed_ <= 3) {
      std::fprintf(stderr, "%s\n", connection->in.substr(0, end).c_str());
    }
    connection->in.erase(0, end);
    --under_way_;
    Next(connection);
  }

  const std::string address_;
  const std::string token_;
  const int64_t events_;
  const double seconds_;
  const uint64_t milliseconds_ = UnixMillis();
  int poll_ = -1;
  std::vector<Connection> connections_;
  std::vector<int64_t> times_ns_;
  int64_t start_ns_ = 0;
  int64_t stop_ns_ = 0;
  int64_t started_ = 0;
  int64_t failed_ = 0;
  int64_t under_way_ = 0;
};

}  // namespace
}  // namespace latchwire::bench

int main(int argc, char** argv) {
  using latchwire::bench::Fail;
  if (argc < 5) Fail("usage: bench-rest HOST:PORT TOKEN CONNECTIONS EVENTS [SECONDS]");
  latchwire::bench::Load load(argv[1], argv[2], std::atoll(argv[4]),
                              argc > 5 ? std::atof(argv[5]) : 0);
  load.Run(std::atoi(argv[3]));
}
