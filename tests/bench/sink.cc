// A receiver that costs as little as one can: answers 200 to every request and counts them.
//
//   bench-sink [PORT]        prints "listening on 127.0.0.1:PORT"
//
// What it is asked by GET does not count:
//   /stats   {"count":N,"first_ns":T,"last_ns":T,"stamped":N,"p50_ms":M,"p99_ms":M,"max_ms":M}:
//   times
//            in CLOCK_MONOTONIC nanoseconds; the quantiles are of the time from the stamp in a body
//            ("sent_ns":T, by the same clock) to its receipt here
//   /reset   the same, and starts over
//   /hang    from now on nothing is answered
//   /answer  from now on everything is answered again
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/bench/load.h"

namespace latchwire::bench {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

constexpr absl::string_view kStamp = "\"sent_ns\":";
constexpr size_t kMaxLatencies = 8'000'000;

struct Stats {
  int64_t count = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  std::vector<int64_t> latencies_ns;
};

struct Sink {
  Stats stats;
  bool hanging = false;
};

int Listen(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1024) != 0) {
    std::perror("bench-sink");
    std::exit(1);
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

size_t ContentLength(const std::string& buffer, size_t begin, size_t header_end) {
  const char* found = strcasestr(buffer.c_str() + begin, "\r\ncontent-length:");
  if (found == nullptr || found > buffer.c_str() + header_end) return 0;
  return static_cast<size_t>(std::atoll(found + 17));
}

std::string Report(Stats* stats) {
  const auto stamped = static_cast<long long>(stats->latencies_ns.size());
  const double p50 = QuantileMs(&stats->latencies_ns, 0.5);
  const double p99 = QuantileMs(&stats->latencies_ns, 0.99);
  const double max = QuantileMs(&stats->latencies_ns, 1);
  char body[256];
  const int size = std::snprintf(
      body, sizeof(body),
      "{\"count\":%lld,\"first_ns\":%lld,\"last_ns\":%lld,\"stamped\":%lld,\"p50_ms\":%.3f,"
      "\"p99_ms\":%.3f,\"max_ms\":%.3f}",
      static_cast<long long>(stats->count), static_cast<long long>(stats->first_ns),
      static_cast<long long>(stats->last_ns), stamped, p50, p99, max);
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n" + body;
}

std::string Command(absl::string_view path, Sink* sink) {
  if (path == "/hang") sink->hanging = true;
  if (path == "/answer") sink->hanging = false;
  std::string report = Report(&sink->stats);
  if (path == "/reset") sink->stats = Stats();
  return report;
}

void Receive(absl::string_view body, Stats* stats) {
  stats->last_ns = MonotonicNanos();
  if (stats->count++ == 0) stats->first_ns = stats->last_ns;
  const size_t stamp = body.substr(0, 256).find(kStamp);
  if (stamp == absl::string_view::npos || stats->latencies_ns.size() >= kMaxLatencies) return;
  const int64_t sent_ns = std::strtoll(body.data() + stamp + kStamp.size(), nullptr, 10);
  if (sent_ns > 0) stats->latencies_ns.push_back(stats->last_ns - sent_ns);
}

// Takes every whole request off the buffer, and answers all of them with one write.
std::string Answer(std::string* buffer, Sink* sink) {
  std::string answers;
  size_t begin = 0;
  for (;;) {
    const size_t header_end = buffer->find("\r\n\r\n", begin);
    if (header_end == std::string::npos) break;
    const size_t body_begin = header_end + 4;
    const size_t end = body_begin + ContentLength(*buffer, begin, header_end);
    if (buffer->size() < end) break;
    if (buffer->compare(begin, 4, "GET ") == 0) {
      const size_t path = begin + 4;
      answers +=
          Command(absl::string_view(*buffer).substr(path, buffer->find(' ', path) - path), sink);
    } else {
      Receive(absl::string_view(*buffer).substr(body_begin, end - body_begin), &sink->stats);
      if (!sink->hanging) answers += kOk;
    }
    begin = end;
  }
  buffer->erase(0, begin);
  return answers;
}

[[noreturn]] void Serve(int listener) {
  const int poll = epoll_create1(0);
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = listener;
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest);
  std::unordered_map<int, std::string> buffers;
  Sink sink;
  std::array<epoll_event, 256> events{};
  std::array<char, 65536> chunk{};
  for (;;) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        interest.data.fd = accepted;
        epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &interest);
        continue;
      }
      const ssize_t size = read(fd, chunk.data(), chunk.size());
      if (size <= 0) {
        close(fd);
        buffers.erase(fd);
        continue;
      }
      std::string& buffer = buffers[fd];
      buffer.append(chunk.data(), static_cast<size_t>(size));
      const std::string answers = Answer(&buffer, &sink);
      if (!answers.empty() && write(fd, answers.data(), answers.size()) < 0) close(fd);
    }
  }
}

}  // namespace
}  // namespace latchwire::bench

int main(int argc, char** argv) {
  latchwire::bench::Serve(
      latchwire::bench::Listen(argc > 1 ? static_cast<uint16_t>(std::atoi(argv[1])) : 0));
}
