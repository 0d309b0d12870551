// A receiver that costs as little as one can: answers 200 to every request, counts them, and
// reports on GET. usage: bench-sink [PORT]        prints "listening on 127.0.0.1:PORT" GET /stats
// answers {"count":N,"first_ns":T,"last_ns":T} in CLOCK_MONOTONIC nanoseconds, and does not count
// itself.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Stats {
  int64_t count = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
};

int64_t MonotonicNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

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

size_t ContentLength(const std::string& buffer, size_t header_end) {
  const char* found = strcasestr(buffer.c_str(), "\r\ncontent-length:");
  if (found == nullptr || found > buffer.c_str() + header_end) return 0;
  return static_cast<size_t>(std::atoll(found + 17));
}

std::string Report(const Stats& stats) {
  char body[128];
  const int size =
      std::snprintf(body, sizeof(body), "{\"count\":%lld,\"first_ns\":%lld,\"last_ns\":%lld}",
                    static_cast<long long>(stats.count), static_cast<long long>(stats.first_ns),
                    static_cast<long long>(stats.last_ns));
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n" + body;
}

// Takes every whole request off the buffer, and answers all of them with one write.
std::string Answer(std::string* buffer, Stats* stats) {
  std::string answers;
  for (;;) {
    const size_t header_end = buffer->find("\r\n\r\n");
    if (header_end == std::string::npos) return answers;
    const size_t size = header_end + 4 + ContentLength(*buffer, header_end);
    if (buffer->size() < size) return answers;
    if (buffer->compare(0, 10, "GET /stats") == 0) {
      answers += Report(*stats);
    } else {
      stats->last_ns = MonotonicNanos();
      if (stats->count++ == 0) stats->first_ns = stats->last_ns;
      answers += kOk;
    }
    buffer->erase(0, size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? static_cast<uint16_t>(std::atoi(argv[1])) : 0);
  const int poll = epoll_create1(0);
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = listener;
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest);
  std::unordered_map<int, std::string> buffers;
  Stats stats;
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
      const std::string answers = Answer(&buffer, &stats);
      if (!answers.empty() && write(fd, answers.data(), answers.size()) < 0) close(fd);
    }
  }
}
