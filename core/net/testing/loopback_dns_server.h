// A name server on loopback that answers by script, for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace latchwire {

struct DnsReply {
  bool silent = false;  // no answer at all
  bool exists = true;   // false: NXDOMAIN
  bool server_failure = false;
  std::vector<std::string> addresses;  // those of the family asked for are sent
  int ttl_seconds = 60;
};

// UDP, on a thread of its own from construction to destruction. Thread-safe.
class LoopbackDnsServer {
 public:
  // Called for every question for IPv4 addresses; IPv6 is answered out of the reply before it, or
  // with nothing. Runs on the server's thread.
  using Handler = std::function<DnsReply(const std::string& name)>;

  explicit LoopbackDnsServer(Handler handler);
  ~LoopbackDnsServer();

  std::string address() const;  // "127.0.0.1:1234"
  // Questions for IPv4 addresses so far.
  int questions(absl::string_view name) const;
  void WaitForQuestions(absl::string_view name, int count);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace latchwire
