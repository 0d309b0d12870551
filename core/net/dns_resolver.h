// Resolves names to addresses without blocking the loop, and caches the answers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/http/ip_address.h"
#include "core/net/timer_wheel.h"

struct ares_channeldata;

namespace latchwire {

struct DnsOptions {
  // "192.0.2.1:53,[2001:db8::1]:53" instead of the system's name servers.
  std::string servers;
  // Limit for one name, whatever c-ares still tries; the requests' own deadlines also apply.
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration try_timeout = absl::Seconds(2);  // per server, doubled at each further try
  int tries = 3;
  // Bounds on the TTL of answers. The lower one is also the lifetime of names from /etc/hosts.
  absl::Duration min_ttl = absl::Seconds(5);
  absl::Duration max_ttl = absl::Minutes(5);
  absl::Duration negative_ttl = absl::Seconds(5);  // for names that do not exist
  size_t max_cached_names = 4096;                  // the least recently used goes first
  size_t max_lookups = 256;                        // at once; more are refused
};

// Runs c-ares on the loop's thread, to which it belongs. A silent name server delays only the names
// that it was asked for. Requests for one name share one look-up. localhost and names that end in
// it are this machine and are never looked up (RFC 6761).
class DnsResolver {
 public:
  // Addresses in the order to try, never empty. UNAVAILABLE when no answer came in time,
  // RESOURCE_EXHAUSTED when too many look-ups are in flight, NOT_FOUND when the name has no
  // address.
  using Result = absl::StatusOr<std::vector<IpAddress>>;
  using Callback = absl::AnyInvocable<void(const Result&)>;

  DnsResolver(boost::asio::io_context* context, TimerWheel* wheel, const Clock* clock,
              DnsOptions options);
  // Drops callbacks that are still waiting.
  ~DnsResolver();
  DnsResolver(const DnsResolver&) = delete;

  // Calls `callback` once, from inside this call if the answer is cached. There is no cancel: a
  // callback must check by itself whether its owner is still interested.
  void Resolve(const std::string& name, Callback callback);

 private:
  class Socket;
  struct Lookup;
  struct CacheEntry {
    Result result;
    absl::Duration expiry;  // on the monotonic clock
    std::list<std::string>::iterator recent;
  };

  static void OnSocketState(void* self, int fd, int readable, int writable);
  void Process(int read_fd, int write_fd);
  void ArmTimer();
  void OnAnswer(const std::string& name, Result result, absl::Duration ttl);
  void Answer(Lookup& lookup, const Result& result);
  void Cache(const std::string& name, Result result, absl::Duration ttl);

  boost::asio::io_context* const context_;
  TimerWheel* const wheel_;
  const Clock* const clock_;
  const DnsOptions options_;
  absl::Status init_status_;
  ares_channeldata* channel_ = nullptr;
  boost::asio::steady_timer timer_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();
  std::map<int, std::shared_ptr<Socket>> sockets_;
  absl::flat_hash_map<std::string, std::unique_ptr<Lookup>> lookups_;
  absl::flat_hash_map<std::string, CacheEntry> cache_;
  std::list<std::string> recent_;  // names in the cache, the most recently used first
};

}  // namespace latchwire
