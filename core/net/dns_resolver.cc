#include "core/net/dns_resolver.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <mutex>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace latchwire {

namespace asio = boost::asio;

// Watches one of c-ares' sockets. c-ares opens and closes it; we only borrow the descriptor.
class DnsResolver::Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(DnsResolver* resolver, int fd)
      : resolver_(resolver), fd_(fd), descriptor_(*resolver->context_) {
    // c-ares calls from C, where no exception may pass. Unwatched, the question times out.
    boost::system::error_code ignored;
    descriptor_.assign(fd, ignored);
  }

  void Watch(bool readable, bool writable) {
    want_read_ = readable;
    want_write_ = writable;
    WaitRead();
    WaitWrite();
  }
  void Forget() {
    resolver_ = nullptr;
    if (descriptor_.is_open()) descriptor_.release();  // before c-ares closes it
  }

 private:
  void WaitRead() {
    if (resolver_ == nullptr || !want_read_ || waiting_read_) return;
    waiting_read_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             self->waiting_read_ = false;
                             if (error || self->resolver_ == nullptr) return;
                             self->resolver_->Process(self->fd_, ARES_SOCKET_BAD);
                             self->WaitRead();
                           });
  }
  void WaitWrite() {
    if (resolver_ == nullptr || !want_write_ || waiting_write_) return;
    waiting_write_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             self->waiting_write_ = false;
                             if (error || self->resolver_ == nullptr) return;
                             self->resolver_->Process(ARES_SOCKET_BAD, self->fd_);
                             self->WaitWrite();
                           });
  }

  DnsResolver* resolver_;  // null once forgotten
  const int fd_;
  asio::posix::stream_descriptor descriptor_;
  bool want_read_ = false, want_write_ = false;
  bool waiting_read_ = false, waiting_write_ = false;
};

namespace {

bool IsLocalhost(absl::string_view name) {
  name = absl::StripSuffix(name, ".");
  return name == "localhost" || absl::EndsWith(name, ".localhost");
}

struct Addresses {
  std::vector<IpAddress> addresses;  // each once, in the order of the answer
  int ttl_seconds = INT32_MAX;       // the lowest
};

// `info` may be null.
Addresses AddressesOf(const ares_addrinfo* info) {
  Addresses found;
  const ares_addrinfo_node* node = info == nullptr ? nullptr : info->nodes;
  for (; node != nullptr; node = node->ai_next) {
    IpAddress address;
    if (node->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      std::memcpy(address.bytes.data(), &in->sin_addr, 4);
    } else if (node->ai_family == AF_INET6) {
      const auto* in6 = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      address.is_v6 = true;
      std::memcpy(address.bytes.data(), &in6->sin6_addr, 16);
    } else {
      continue;
    }
    found.ttl_seconds = std::min(found.ttl_seconds, node->ai_ttl);
    const auto& known = found.addresses;
    if (std::find(known.begin(), known.end(), address) == known.end()) {
      found.addresses.push_back(address);
    }
  }
  return found;
}

}  // namespace

// One name that c-ares is asked for. Stays until c-ares answers, which it always does in the end,
// even if nobody is waiting.
struct DnsResolver::Lookup : TimerWheel::Timer {
  Lookup(DnsResolver* owner, std::string its_name) : resolver(owner), name(std::move(its_name)) {}
  void OnExpire() override {
    resolver->Answer(*this, absl::UnavailableError(absl::StrCat(
                                "no answer from the name servers for ", name, " within ",
                                absl::FormatDuration(resolver->options_.timeout))));
  }
  // c-ares calls it once for each look-up, with the Lookup as `arg`; `info` is ours to free.
  static void OnAddresses(void* arg, int status, int timeouts, ares_addrinfo* info);

  DnsResolver* const resolver;
  const std::string name;
  std::vector<Callback> waiting;
};

void DnsResolver::Lookup::OnAddresses(void* arg, int status, int /*timeouts*/,
                                      ares_addrinfo* info) {
  const auto free_info = absl::MakeCleanup([info] {
    if (info != nullptr) ares_freeaddrinfo(info);
  });
  if (status == ARES_EDESTRUCTION) return;
  const auto* lookup = static_cast<const Lookup*>(arg);
  DnsResolver* resolver = lookup->resolver;
  const std::string name = lookup->name;  // OnAnswer ends the Lookup
  Addresses found = AddressesOf(info);
  if (status == ARES_SUCCESS && !found.addresses.empty()) {
    resolver->OnAnswer(name, std::move(found.addresses), absl::Seconds(found.ttl_seconds));
  } else if (status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA) {
    resolver->OnAnswer(
        name,
        absl::NotFoundError(absl::StrCat("the name ", name, " does not exist or has no address")),
        resolver->options_.negative_ttl);
  } else {
    resolver->OnAnswer(
        name,
        absl::UnavailableError(absl::StrCat("cannot resolve ", name, ": ", ares_strerror(status))),
        absl::ZeroDuration());
  }
}

DnsResolver::DnsResolver(asio::io_context* context, TimerWheel* wheel, const Clock* clock,
                         DnsOptions options)
    : context_(context),
      wheel_(wheel),
      clock_(clock),
      options_(std::move(options)),
      timer_(*context) {
  // gRPC uses the same library; its counter of users is never brought back to zero by us.
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });

  ares_options settings{};
  settings.timeout = static_cast<int>(absl::ToInt64Milliseconds(options_.try_timeout));
  settings.tries = options_.tries;
  char lookups[] = "fb";  // /etc/hosts before the name servers
  settings.lookups = lookups;
  settings.sock_state_cb = &DnsResolver::OnSocketState;
  settings.sock_state_cb_data = this;
  int status = ares_init_options(
      &channel_, &settings,
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !options_.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
  }
  if (status != ARES_SUCCESS) {
    init_status_ = absl::UnavailableError(
        absl::StrCat("the resolver could not be set up: ", ares_strerror(status)));
  }
}

DnsResolver::~DnsResolver() {
  for (auto& [name, lookup] : lookups_) lookup->waiting.clear();
  if (channel_ != nullptr) ares_destroy(channel_);
}

void DnsResolver::OnSocketState(void* arg, int fd, int readable, int writable) {
  auto* self = static_cast<DnsResolver*>(arg);
  auto& socket = self->sockets_[fd];
  if (readable == 0 && writable == 0) {
    if (socket != nullptr) socket->Forget();
    self->sockets_.erase(fd);
    return;
  }
  if (socket == nullptr) socket = std::make_shared<Socket>(self, fd);
  socket->Watch(readable != 0, writable != 0);
}

void DnsResolver::Process(int read_fd, int write_fd) {
  ares_process_fd(channel_, read_fd, write_fd);
  ArmTimer();
}

void DnsResolver::ArmTimer() {
  timeval buffer;
  const timeval* next = ares_timeout(channel_, nullptr, &buffer);
  if (next == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(absl::ToChronoNanoseconds(absl::DurationFromTimeval(*next)));
  timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const auto& error) {
    if (!error && !alive.expired()) Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

void DnsResolver::Resolve(const std::string& name, Callback callback) {
  if (IsLocalhost(name)) {
    return callback(
        std::vector<IpAddress>{*IpAddress::Parse("127.0.0.1"), *IpAddress::Parse("::1")});
  }
  if (!init_status_.ok()) return callback(init_status_);
  if (auto it = cache_.find(name); it != cache_.end()) {
    if (clock_->Monotonic() < it->second.expiry) {
      recent_.splice(recent_.begin(), recent_, it->second.recent);
      return callback(Result(it->second.result));  // a copy: the callback may come back here
    }
    recent_.erase(it->second.recent);
    cache_.erase(it);
  }
  if (auto it = lookups_.find(name); it != lookups_.end()) {
    it->second->waiting.push_back(std::move(callback));
    if (!it->second->armed()) wheel_->Arm(it->second.get(), options_.timeout);
    return;
  }
  if (lookups_.size() >= options_.max_lookups) {
    return callback(absl::ResourceExhaustedError(
        absl::StrCat("more than ", options_.max_lookups, " names are being resolved already")));
  }
  auto owned = std::make_unique<Lookup>(this, name);
  Lookup* lookup = owned.get();
  lookup->waiting.push_back(std::move(callback));
  lookups_.emplace(name, std::move(owned));
  wheel_->Arm(lookup, options_.timeout);

  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &Lookup::OnAddresses, lookup);
  ArmTimer();
}

void DnsResolver::OnAnswer(const std::string& name, Result result, absl::Duration ttl) {
  auto node = lookups_.extract(name);
  if (node.empty()) return;
  if (result.ok()) ttl = std::clamp(ttl, options_.min_ttl, options_.max_ttl);
  if (ttl > absl::ZeroDuration()) Cache(name, result, ttl);
  Answer(*node.mapped(), result);
}

void DnsResolver::Answer(Lookup& lookup, const Result& result) {
  lookup.Disarm();
  // Callbacks may resolve the same name again, so they run off a list of their own.
  std::vector<Callback> waiting = std::move(lookup.waiting);
  lookup.waiting.clear();
  for (Callback& callback : waiting) callback(result);
}

void DnsResolver::Cache(const std::string& name, Result result, absl::Duration ttl) {
  if (cache_.size() >= options_.max_cached_names) {
    cache_.erase(recent_.back());
    recent_.pop_back();
  }
  recent_.push_front(name);
  cache_.insert_or_assign(
      name, CacheEntry{std::move(result), clock_->Monotonic() + ttl, recent_.begin()});
}

}  // namespace latchwire
