#include "core/net/http_listener.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <future>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace latchwire {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

absl::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

absl::StatusOr<tcp::endpoint> ParseListen(absl::string_view text) {
  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError("must be address:port with a port of 0 to 65535");
  }
  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (error) return absl::InvalidArgumentError(absl::StrCat("\"", host, "\" is not an IP address"));
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

}  // namespace

// Belongs to the executor's thread once it serves; sessions keep it.
class HttpListener::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(AsioExecutor* executor, HttpListenerOptions options, Pages pages)
      : options_(std::move(options)),
        pages_(std::move(pages)),
        acceptor_(executor->context()),
        pause_(executor->context()) {}

  absl::Status Open() {
    const absl::StatusOr<tcp::endpoint> endpoint = ParseListen(options_.listen);
    if (!endpoint.ok()) return endpoint.status();
    boost::system::error_code error;
    acceptor_.open(endpoint->protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(*endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) bound_ = acceptor_.local_endpoint(error);
    if (error) return absl::UnavailableError(error.message());
    return absl::OkStatus();
  }

  void Accept();
  void Close();

  const HttpListenerOptions options_;
  const Pages pages_;
  tcp::endpoint bound_;
  std::set<Session*> sessions_;
  bool closed_ = false;

 private:
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

// One connection; lives as long as one of its handlers does.
class HttpListener::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Core> core, tcp::socket socket)
      : core_(std::move(core)),
        stream_(std::move(socket)),
        buffer_(core_->options_.max_head_bytes + sizeof(discarded_)) {
    core_->sessions_.insert(this);
  }
  ~Session() { core_->sessions_.erase(this); }

  void Start() {
    // Once, so that it holds for everything that comes.
    stream_.expires_after(absl::ToChronoMilliseconds(core_->options_.connection_timeout));
    parser_.header_limit(core_->options_.max_head_bytes);
    parser_.body_limit(std::numeric_limits<uint64_t>::max());  // none is read
    http::async_read_header(
        stream_, buffer_, parser_,
        [self = shared_from_this()](beast::error_code error, size_t) { self->OnHead(error); });
  }

  void Close() { stream_.close(); }

 private:
  void OnHead(beast::error_code error) {
    if (core_->closed_) return;
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Answer(http::status::request_header_fields_too_large);
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Answer(http::status::bad_request);
    }
    if (error) return Close();
    const absl::string_view target = View(parser_.get().target());
    const auto page = core_->pages_(target.substr(0, target.find('?')));
    if (page == nullptr) return Answer(http::status::not_found);
    const http::verb method = parser_.get().method();
    if (method != http::verb::get && method != http::verb::head) {
      answer_.set(http::field::allow, "GET, HEAD");
      return Answer(http::status::method_not_allowed);
    }
    HttpPage content = page();
    answer_.set(http::field::content_type, content.content_type);
    answer_.body() = std::move(content.body);
    Answer(http::status::ok);
  }

  void Answer(http::status status) {
    answer_.version(11);
    answer_.result(status);
    answer_.keep_alive(false);
    if (status != http::status::ok) {
      answer_.set(http::field::content_type, "text/plain");
      answer_.body() = absl::StrCat(View(http::obsolete_reason(status)), "\n");
    }
    answer_.prepare_payload();
    if (parser_.get().method() == http::verb::head) answer_.body().clear();  // its length stays
    http::async_write(stream_, answer_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (error) return self->Close();
                        boost::system::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                        self->Linger();
                      });
  }

  // Closing with something unread would reset the connection, and lose the answer.
  void Linger() {
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this()](beast::error_code error, size_t) {
                              if (error) return self->Close();
                              self->Linger();
                            });
  }

  const std::shared_ptr<Core> core_;
  beast::tcp_stream stream_;
  std::array<char, 4096> discarded_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> answer_;
};

void HttpListener::Core::Accept() {
  acceptor_.async_accept([self = shared_from_this()](beast::error_code error, tcp::socket socket) {
    if (self->closed_) return;
    if (error) {
      // Out of descriptors, most likely: the next try would fail at once.
      self->pause_.expires_after(absl::ToChronoMilliseconds(kAcceptPause));
      self->pause_.async_wait([self](beast::error_code wait_error) {
        if (!wait_error && !self->closed_) self->Accept();
      });
      return;
    }
    if (self->sessions_.size() < self->options_.max_connections) {
      std::make_shared<Session>(self, std::move(socket))->Start();
    }
    self->Accept();
  });
}

void HttpListener::Core::Close() {
  closed_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (Session* session : sessions_) session->Close();
}

HttpListener::HttpListener(AsioExecutor* executor, std::shared_ptr<Core> core)
    : executor_(executor), core_(std::move(core)) {
  asio::post(executor_->context(), [kept = core_] {
    if (!kept->closed_) kept->Accept();
  });
}

HttpListener::~HttpListener() {
  if (!executor_->IsRunning()) {
    core_->Close();
    return;
  }
  std::promise<void> gone;
  asio::post(executor_->context(), [this, &gone] {
    core_->Close();
    gone.set_value();
  });
  gone.get_future().wait();
}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Listen(AsioExecutor* executor,
                                                                   HttpListenerOptions options,
                                                                   Pages pages) {
  auto core = std::make_shared<Core>(executor, std::move(options), std::move(pages));
  if (absl::Status status = core->Open(); !status.ok()) return status;
  return std::unique_ptr<HttpListener>(new HttpListener(executor, std::move(core)));
}

std::string HttpListener::Address() const {
  const bool v6 = core_->bound_.address().is_v6();
  const std::string address = core_->bound_.address().to_string();
  return absl::StrCat(v6 ? "[" : "", address, v6 ? "]:" : ":", core_->bound_.port());
}

}  // namespace latchwire
