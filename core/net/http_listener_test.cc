#include "core/net/http_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpListenerTest : public ::testing::Test {
 protected:
  void Listen(HttpListenerOptions options = {}) {
    options.listen = "127.0.0.1:0";
    auto listener = HttpListener::Listen(&executor_, options,
                                         [](absl::string_view path) -> std::function<HttpPage()> {
                                           if (path != "/page") return nullptr;
                                           return [] { return HttpPage{"text/x", "the page"}; };
                                         });
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    executor_.Start();
  }

  tcp::socket Connect() {
    int port = 0;
    const std::string address = listener_->Address();
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
    tcp::socket socket(context_);
    socket.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)});
    return socket;
  }
  // All that comes until the listener closes.
  static std::string ReadAll(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string Exchange(const std::string& request) {
    tcp::socket socket = Connect();
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(request), ignored);
    return ReadAll(socket);
  }

  AsioExecutor executor_{"listener"};
  std::unique_ptr<HttpListener> listener_;
  asio::io_context context_;
};

TEST_F(HttpListenerTest, ServesItsPages) {
  Listen();
  const std::string answer = Exchange("GET /page?x=y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/x\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nthe page"));
  const std::string head = Exchange("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  TransportRunner runner;
  HttpRequest request =
      TransportRunner::Post(absl::StrCat("http://", listener_->Address(), "/page"), "");
  request.method = "GET";
  EXPECT_EQ(runner.Send(request).body, "the page");
}

TEST_F(HttpListenerTest, RefusesEverythingElse) {
  Listen();
  EXPECT_THAT(Exchange("GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Exchange("GET /page/ HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  const std::string post = Exchange(absl::StrCat(
      "POST /page HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", std::string(100'000, 'x')));
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(Exchange("SSH-2.0-OpenSSH\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(
      Exchange(absl::StrCat("GET /page HTTP/1.1\r\nX: ", std::string(50'000, 'x'), "\r\n\r\n")),
      StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpListenerTest, AnswersOneRequestToAConnection) {
  Listen();
  const std::string two = "GET /page HTTP/1.1\r\n\r\nGET /other HTTP/1.1\r\n\r\n";
  EXPECT_THAT(Exchange(two), Not(HasSubstr("404")));
}

TEST_F(HttpListenerTest, SilenceAndDripsEndAtTheDeadline) {
  HttpListenerOptions options;
  options.connection_timeout = absl::Milliseconds(50);
  Listen(options);
  EXPECT_EQ(Exchange(""), "");
  EXPECT_EQ(Exchange("GET /page HT"), "");
}

TEST_F(HttpListenerTest, ConnectionsAreBounded) {
  HttpListenerOptions options;
  options.max_connections = 2;
  options.connection_timeout = absl::Minutes(10);
  Listen(options);
  tcp::socket first = Connect(), second = Connect();
  // In the order of their arrival, so both are taken when this one is refused.
  EXPECT_EQ(Exchange("GET /page HTTP/1.1\r\n\r\n"), "");
  const std::string request = "GET /page HTTP/1.1\r\n\r\n";
  asio::write(first, asio::buffer(request));
  EXPECT_THAT(ReadAll(first), EndsWith("the page"));
  first.close();
  // Its place is free as soon as the listener has seen the close, which nothing tells.
  std::string answer;
  while (answer.empty()) answer = Exchange(request);
  EXPECT_THAT(answer, EndsWith("the page"));
}

TEST_F(HttpListenerTest, GoesWithItsConnections) {
  HttpListenerOptions options;
  options.connection_timeout = absl::Minutes(10);
  Listen(options);
  tcp::socket silent = Connect();
  EXPECT_THAT(Exchange("GET /page HTTP/1.1\r\n\r\n"), EndsWith("the page"));
  listener_.reset();
  EXPECT_EQ(ReadAll(silent), "");
}

TEST_F(HttpListenerTest, GoesAfterItsExecutorHasStopped) {
  Listen();
  tcp::socket silent = Connect();
  EXPECT_THAT(Exchange("GET /page HTTP/1.1\r\n\r\n"), EndsWith("the page"));
  executor_.Stop();
  listener_.reset();
}

TEST(HttpListener, ErrorsOfListen) {
  AsioExecutor executor;
  const auto listen = [&](const std::string& address) {
    HttpListenerOptions options;
    options.listen = address;
    return HttpListener::Listen(&executor, options, [](absl::string_view) { return nullptr; });
  };
  EXPECT_THAT(std::string(listen("127.0.0.1").status().message()), HasSubstr("address:port"));
  EXPECT_THAT(std::string(listen("127.0.0.1:65536").status().message()), HasSubstr("65535"));
  EXPECT_THAT(std::string(listen("a.example:1").status().message()),
              HasSubstr("\"a.example\" is not an IP address"));
  const auto first = listen("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(listen((*first)->Address()).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace latchwire
