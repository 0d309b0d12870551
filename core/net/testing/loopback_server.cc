#include "core/net/testing/loopback_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/mutex.h"
#include "core/net/asio_executor.h"

namespace latchwire {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

ServerScript& ServerScript::Send(std::string bytes) {
  steps_.push_back({Step::Kind::kSend, std::move(bytes), absl::ZeroDuration()});
  return *this;
}

ServerScript& ServerScript::Wait(absl::Duration delay) {
  steps_.push_back({Step::Kind::kWait, "", delay});
  return *this;
}

ServerScript& ServerScript::SendForEver(std::string bytes, absl::Duration delay) {
  steps_.push_back({Step::Kind::kSend, std::move(bytes), delay});
  repeats_last_ = true;
  return *this;
}

ServerScript& ServerScript::Close() {
  steps_.push_back({Step::Kind::kClose, "", absl::ZeroDuration()});
  return *this;
}

ServerScript& ServerScript::Reset() {
  steps_.push_back({Step::Kind::kReset, "", absl::ZeroDuration()});
  return *this;
}

ServerScript ServerScript::Answer(int status, absl::string_view body,
                                  const std::vector<std::string>& header_lines) {
  std::string text = absl::StrCat("HTTP/1.1 ", status, " Scripted\r\n");
  for (const std::string& line : header_lines) absl::StrAppend(&text, line, "\r\n");
  absl::StrAppend(&text, "Content-Length: ", body.size(), "\r\n\r\n", body);
  return ServerScript().Send(std::move(text));
}

std::string ServerRequest::Header(absl::string_view name) const {
  for (const std::string& line : header_lines) {
    const auto parts = std::pair<absl::string_view, absl::string_view>(
        absl::StrSplit(line, absl::MaxSplits(": ", 1)));
    if (absl::EqualsIgnoreCase(parts.first, name)) return std::string(parts.second);
  }
  return "";
}

class LoopbackServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Handler handler, LoopbackServerOptions options)
      : handler_(std::move(handler)),
        options_(std::move(options)),
        acceptor_(executor_.context(), tcp::endpoint(asio::ip::make_address(options_.address),
                                                     static_cast<uint16_t>(options_.port))),
        port_(acceptor_.local_endpoint().port()) {
    if (!options_.certificate.empty()) UseTls();
  }

  void Start() {
    Accept();
    executor_.Start();
  }

  void Stop() {
    std::promise<void> closed;
    executor_.Post([this, &closed] {
      error_code ignored;
      acceptor_.close(ignored);
      for (const auto& connection : std::set(connections_)) connection->Close();
      closed.set_value();
    });
    closed.get_future().wait();
    executor_.Stop();
  }

  const LoopbackServerOptions& options() const { return options_; }
  int port() const { return port_; }
  std::vector<ServerRequest> requests() {
    MutexLock lock(&mutex_);
    return requests_;
  }
  int accepted() {
    MutexLock lock(&mutex_);
    return accepted_;
  }
  void WaitForRequests(size_t count) {
    MutexLock lock(&mutex_);
    while (requests_.size() < count) changed_.Wait(&mutex_);
  }
  void WaitForClosed(int count) {
    MutexLock lock(&mutex_);
    while (closed_ < count) changed_.Wait(&mutex_);
  }

 private:
  // Reads requests and plays their scripts, one after the other.
  class Connection : public std::enable_shared_from_this<Connection> {
   public:
    Connection(Impl* server, tcp::socket socket, int number)
        : server_(server), socket_(std::move(socket)), number_(number) {}

    void Start() {
      if (server_->tls_ == nullptr) return Greet();
      tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *server_->tls_);
      tls_->async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](const error_code& error) {
                              error ? self->Close() : self->Greet();
                            });
    }

    void Close() {
      if (closed_) return;
      closed_ = true;
      error_code ignored;
      socket_.close(ignored);
      server_->OnClosed(shared_from_this());
    }

   private:
    void Greet() {
      if (server_->options_.on_connect) {
        Play(server_->options_.on_connect());
      } else {
        Read();
      }
    }

    void Read() {
      if (closed_ || TakeRequest()) return;
      const auto on_read = [self = shared_from_this()](const error_code& error, size_t size) {
        if (error) return self->Close();
        self->in_.append(self->chunk_.data(), size);
        self->Read();
      };
      if (tls_ != nullptr) {
        tls_->async_read_some(asio::buffer(chunk_), on_read);
      } else {
        socket_.async_read_some(asio::buffer(chunk_), on_read);
      }
    }

    bool TakeRequest() {
      const size_t head_end = in_.find("\r\n\r\n");
      if (head_end == std::string::npos) return false;
      ServerRequest request;
      request.connection = number_;
      const char* server_name =
          tls_ == nullptr ? nullptr
                          : SSL_get_servername(tls_->native_handle(), TLSEXT_NAMETYPE_host_name);
      if (server_name != nullptr) request.server_name = server_name;
      request.header_lines = absl::StrSplit(in_.substr(0, head_end), "\r\n");
      const std::vector<std::string> start = absl::StrSplit(request.header_lines[0], ' ');
      request.header_lines.erase(request.header_lines.begin());
      if (start.size() == 3) {
        request.method = start[0];
        request.target = start[1];
      }
      size_t length = 0;
      if (!server_->options_.answer_at_head &&
          !absl::SimpleAtoi(request.Header("Content-Length"), &length)) {
        length = 0;
      }
      if (in_.size() < head_end + 4 + length) return false;
      request.body = in_.substr(head_end + 4, length);
      in_.erase(0, head_end + 4 + length);
      Play(server_->OnRequest(std::move(request)));
      return true;
    }

    void Play(ServerScript script) {
      script_ = std::move(script);
      step_ = 0;
      NextStep();
    }

    void NextStep() {
      if (closed_) return;
      if (step_ == script_.steps().size()) {
        if (!script_.repeats_last()) return Read();
        --step_;
      }
      const ServerScript::Step& step = script_.steps()[step_++];
      auto act = [self = shared_from_this(), &step] { self->Act(step); };
      if (step.delay > absl::ZeroDuration()) {
        server_->executor_.PostAfter(step.delay, act);
        if (step.delay == absl::InfiniteDuration()) WatchForClose();
      } else {
        act();
      }
    }

    void WatchForClose() {
      socket_.async_wait(
          tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
            error_code ended;
            if (!error && self->socket_.read_some(asio::buffer(self->chunk_), ended) > 0) {
              return self->WatchForClose();
            }
            self->Close();
          });
    }

    void Act(const ServerScript::Step& step) {
      if (closed_) return;
      switch (step.kind) {
        case ServerScript::Step::Kind::kWait:
          return NextStep();
        case ServerScript::Step::Kind::kReset: {
          error_code ignored;
          socket_.set_option(asio::socket_base::linger(true, 0), ignored);
          return Close();
        }
        case ServerScript::Step::Kind::kClose:
          return Close();
        case ServerScript::Step::Kind::kSend:
          break;
      }
      const auto on_written = [self = shared_from_this()](const error_code& error, size_t) {
        error ? self->Close() : self->NextStep();
      };
      if (tls_ != nullptr) {
        asio::async_write(*tls_, asio::buffer(step.bytes), on_written);
      } else {
        asio::async_write(socket_, asio::buffer(step.bytes), on_written);
      }
    }

    Impl* const server_;
    tcp::socket socket_;
    const int number_;
    std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
    std::array<char, 16384> chunk_;
    std::string in_;
    ServerScript script_;
    size_t step_ = 0;
    bool closed_ = false;
  };

  void UseTls() {
    tls_ = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    const TestCertificate& own = options_.certificate;
    tls_->use_certificate_chain(asio::buffer(own.certificate_pem));
    tls_->use_private_key(asio::buffer(own.private_key_pem), asio::ssl::context::pem);
    if (!options_.client_ca_pem.empty()) {
      tls_->add_certificate_authority(asio::buffer(options_.client_ca_pem));
      tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    if (options_.only_tls_1_2) {
      SSL_CTX_set_max_proto_version(tls_->native_handle(), TLS1_2_VERSION);
    }
    if (options_.only_tls_1_1) {
      SSL_CTX_set_min_proto_version(tls_->native_handle(), TLS1_1_VERSION);
      SSL_CTX_set_max_proto_version(tls_->native_handle(), TLS1_1_VERSION);
    }
  }

  void Accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      int number;
      {
        MutexLock lock(&mutex_);
        number = ++accepted_;
        changed_.NotifyAll();
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      auto connection = std::make_shared<Connection>(this, std::move(socket), number);
      connections_.insert(connection);
      connection->Start();
      Accept();
    });
  }

  ServerScript OnRequest(ServerRequest request) {
    ServerScript script = handler_(request);
    MutexLock lock(&mutex_);
    requests_.push_back(std::move(request));
    changed_.NotifyAll();
    return script;
  }

  void OnClosed(const std::shared_ptr<Connection>& connection) {
    connections_.erase(connection);
    MutexLock lock(&mutex_);
    ++closed_;
    changed_.NotifyAll();
  }

  AsioExecutor executor_{"http server"};
  const Handler handler_;
  const LoopbackServerOptions options_;
  std::unique_ptr<asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  const int port_;
  std::set<std::shared_ptr<Connection>> connections_;  // of the server's thread
  Mutex mutex_;
  CondVar changed_;
  std::vector<ServerRequest> requests_ ABSL_GUARDED_BY(mutex_);
  int accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int closed_ ABSL_GUARDED_BY(mutex_) = 0;
};

LoopbackServer::LoopbackServer(Handler handler, LoopbackServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(handler), std::move(options))) {
  impl_->Start();
}

LoopbackServer::~LoopbackServer() { impl_->Stop(); }

int LoopbackServer::port() const { return impl_->port(); }

std::string LoopbackServer::Url(absl::string_view target) const {
  const LoopbackServerOptions& options = impl_->options();
  const std::string host = absl::StrContains(options.address, ":")
                               ? absl::StrCat("[", options.address, "]")
                               : options.address;
  return absl::StrCat(options.certificate.empty() ? "http://" : "https://", host, ":", port(),
                      target);
}

std::vector<ServerRequest> LoopbackServer::requests() const { return impl_->requests(); }
int LoopbackServer::accepted_connections() const { return impl_->accepted(); }
void LoopbackServer::WaitForRequests(size_t count) { impl_->WaitForRequests(count); }
void LoopbackServer::WaitForClosedConnections(int count) { impl_->WaitForClosed(count); }

}  // namespace latchwire
