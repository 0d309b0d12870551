// A request in flight, and definitions that all parts of the transport share. Internal to core/net.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <string>

#include "core/net/address_guard.h"
#include "core/net/beast_transport.h"
#include "core/net/dns_resolver.h"
#include "core/net/timer_wheel.h"
#include "core/net/transport.h"

namespace latchwire {

// List elements that leave their list when they are destroyed.
using AutoUnlinkHook =
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class HttpConnection;
class HttpEngine;
class HttpPool;
class TlsClients;

struct HttpServices {
  boost::asio::io_context* context;
  const Clock* clock;
  const BeastTransportOptions* options;
  const AddressGuard* guard;
  TimerWheel* wheel;
  DnsResolver* resolver;
  TlsClients* tls;
};

// A request in flight; the timer is its one deadline. The engine owns it from Submit to Finish.
struct HttpExchange : TimerWheel::Timer {
  void OnExpire() override;

  HttpRequest request;
  Transport::Done done;
  HttpResult result;
  std::string target;
  absl::Duration start;     // on the monotonic clock
  absl::Duration deadline;  // likewise
  HttpEngine* engine = nullptr;
  HttpPool* pool = nullptr;
  HttpConnection* connection = nullptr;  // null while it waits for one
  bool resent = false;
  AutoUnlinkHook waiting;
};

}  // namespace latchwire
