#include "core/net/testing/loopback_dns_server.h"

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/http/ip_address.h"
#include "core/net/asio_executor.h"

namespace latchwire {

namespace asio = boost::asio;
using asio::ip::udp;

namespace {

constexpr int kTypeA = 1, kTypeAaaa = 28;

void AppendInt(std::string& out, uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

class LoopbackDnsServer::Impl {
 public:
  explicit Impl(Handler handler)
      : handler_(std::move(handler)),
        socket_(executor_.context(), udp::endpoint(asio::ip::address_v4::loopback(), 0)),
        port_(socket_.local_endpoint().port()) {
    Receive();
    executor_.Start();
  }
  ~Impl() { executor_.Stop(); }

  int port() const { return port_; }
  int questions(absl::string_view name) {
    MutexLock lock(&mutex_);
    return questions_[std::string(name)];
  }
  void WaitForQuestions(absl::string_view name, int count) {
    MutexLock lock(&mutex_);
    while (questions_[std::string(name)] < count) asked_.Wait(&mutex_);
  }

 private:
  void Receive() {
    socket_.async_receive_from(asio::buffer(packet_), from_,
                               [this](const boost::system::error_code& error, size_t size) {
                                 if (error == asio::error::operation_aborted) return;
                                 if (!error) OnPacket(absl::string_view(packet_.data(), size));
                                 Receive();
                               });
  }

  // Header of 12 bytes, then one question: labels, type, class.
  void OnPacket(absl::string_view packet) {
    std::string name;
    size_t at = 12;
    while (at < packet.size() && packet[at] != 0) {
      const size_t length = static_cast<unsigned char>(packet[at]);
      absl::StrAppend(&name, name.empty() ? "" : ".", packet.substr(at + 1, length));
      at += length + 1;
    }
    if (at + 5 > packet.size()) return;
    const int type = static_cast<unsigned char>(packet[at + 2]);
    const absl::string_view question = packet.substr(12, at + 5 - 12);
    const DnsReply reply = ReplyTo(name, type);
    if (reply.silent) return;

    std::string records;
    int count = 0;
    for (const std::string& text : reply.addresses) {
      const IpAddress address = IpAddress::Parse(text).value();
      if (address.is_v6 != (type == kTypeAaaa)) continue;
      AppendInt(records, 0xC00C, 2);  // the name of the question
      AppendInt(records, static_cast<uint32_t>(type), 2);
      AppendInt(records, 1, 2);
      AppendInt(records, static_cast<uint32_t>(reply.ttl_seconds), 4);
      AppendInt(records, static_cast<uint32_t>(address.bits() / 8), 2);
      records.append(reinterpret_cast<const char*>(address.bytes.data()),
                     static_cast<size_t>(address.bits()) / 8);
      ++count;
    }
    std::string answer(packet.substr(0, 2));
    const uint32_t code = reply.server_failure ? 2 : reply.exists ? 0 : 3;
    AppendInt(answer, 0x8180 | code, 2);
    AppendInt(answer, 1, 2);
    AppendInt(answer, static_cast<uint32_t>(count), 2);
    AppendInt(answer, 0, 4);
    absl::StrAppend(&answer, question, records);
    boost::system::error_code ignored;
    socket_.send_to(asio::buffer(answer), from_, 0, ignored);
  }

  DnsReply ReplyTo(const std::string& name, int type) {
    if (type != kTypeA) {
      const auto it = last_.find(name);
      return it == last_.end() ? DnsReply() : it->second;
    }
    DnsReply reply = last_[name] = handler_(name);
    MutexLock lock(&mutex_);
    ++questions_[name];
    asked_.NotifyAll();
    return reply;
  }

  AsioExecutor executor_{"dns server"};
  const Handler handler_;
  udp::socket socket_;
  const int port_;
  udp::endpoint from_;
  std::array<char, 1500> packet_;
  std::map<std::string, DnsReply> last_;
  Mutex mutex_;
  CondVar asked_;
  std::map<std::string, int> questions_ ABSL_GUARDED_BY(mutex_);
};

LoopbackDnsServer::LoopbackDnsServer(Handler handler)
    : impl_(std::make_unique<Impl>(std::move(handler))) {}
LoopbackDnsServer::~LoopbackDnsServer() = default;

std::string LoopbackDnsServer::address() const { return absl::StrCat("127.0.0.1:", impl_->port()); }
int LoopbackDnsServer::questions(absl::string_view name) const { return impl_->questions(name); }
void LoopbackDnsServer::WaitForQuestions(absl::string_view name, int count) {
  impl_->WaitForQuestions(name, count);
}

}  // namespace latchwire
