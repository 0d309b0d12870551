#include "core/net/http_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/net/testing/http_client.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

HttpServerOptions Loopback() {
  return HttpPages::ServerOptions(*ParseIpListenAddress("127.0.0.1:0"));
}

class HttpPagesTest : public ::testing::Test {
 protected:
  void Listen(HttpServerOptions options = Loopback()) {
    auto server = HttpServer::Listen(&executor_, options, &pages_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    executor_.Start();
  }

  tcp::socket Connect() {
    tcp::socket socket(context_);
    socket.connect({asio::ip::address_v4::loopback(), server_->Port()});
    return socket;
  }
  // All that comes until the server closes.
  static std::string ReadAll(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  // `request` asks for the connection to be closed, if it is whole.
  std::string Exchange(absl::string_view request) {
    tcp::socket socket = Connect();
    const std::string bytes =
        absl::StrReplaceAll(request, {{" HTTP/1.1\r\n", " HTTP/1.1\r\nConnection: close\r\n"}});
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes), ignored);
    return ReadAll(socket);
  }

  HttpPages pages_{HttpPages::Pages{{"/page", [] {
                                       return HttpResponse{200, "text/x", {}, "the page"};
                                     }}}};
  AsioExecutor executor_{"pages"};
  std::unique_ptr<HttpServer> server_;
  asio::io_context context_;
};

TEST_F(HttpPagesTest, ServesItsPages) {
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
      TransportRunner::Post(absl::StrCat("http://", server_->Address(), "/page"), "");
  request.method = "GET";
  EXPECT_EQ(runner.Send(request).body, "the page");
}

TEST_F(HttpPagesTest, RefusesEverythingElse) {
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

TEST_F(HttpPagesTest, KeepsConnectionsAlive) {
  Listen();
  HttpClient client(server_->Port());
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /page HTTP/1.1\r\nContent-Length: 1\r\n\r\n1");
    EXPECT_THAT(client.Receive(), EndsWith("the page"));
  }
  client.Send("GET /other HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("404"));
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpPagesTest, SilenceAndDripsEndAtTheDeadline) {
  HttpServerOptions options = Loopback();
  options.head_timeout = absl::Milliseconds(50);
  Listen(options);
  EXPECT_EQ(Exchange(""), "");
  EXPECT_EQ(Exchange("GET /page HT"), "");
}

TEST_F(HttpPagesTest, ConnectionsAreBounded) {
  HttpServerOptions options = Loopback();
  options.max_connections = 2;
  options.head_timeout = absl::Minutes(10);
  Listen(options);
  tcp::socket first = Connect(), second = Connect();
  // In the order of their arrival, so both are taken when this one is refused.
  EXPECT_EQ(Exchange("GET /page HTTP/1.1\r\n\r\n"), "");
  asio::write(first, asio::buffer(std::string("GET /page HTTP/1.1\r\nConnection: close\r\n\r\n")));
  EXPECT_THAT(ReadAll(first), EndsWith("the page"));
  first.close();
  // Its place is free as soon as the server has seen the close, which nothing tells.
  std::string answer;
  while (answer.empty()) answer = Exchange("GET /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("the page"));
}

}  // namespace
}  // namespace latchwire
