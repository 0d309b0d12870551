// A socket that speaks HTTP/1.1 as far as tests need it, and lets them break it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// Blocking, one connection, for tests. An answer that does not come within 20 s counts as closed.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~HttpClient() { close(fd_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  bool connected() const { return connected_; }
  void Send(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the answer says why
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // One answer: its head and as much body as it says.
  std::string Receive() {
    while (true) {
      const size_t head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t at = buffer_.find("Content-Length: ");
        const size_t length = at < head ? std::strtoul(buffer_.c_str() + at + 16, nullptr, 10) : 0;
        if (buffer_.size() >= head + 4 + length) {
          std::string answer = buffer_.substr(0, head + 4 + length);
          buffer_.erase(0, answer.size());
          return answer;
        }
      }
      if (!Fill()) return "closed: " + buffer_;
    }
  }
  // Whether the server closed without another word.
  bool Closed() { return buffer_.empty() && !Fill(); }

 private:
  bool Fill() {
    char chunk[4096];
    const ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(got));
    return true;
  }

  const int fd_;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace latchwire
