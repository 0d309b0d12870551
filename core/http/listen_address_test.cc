#include "core/http/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace {

using ::testing::HasSubstr;

TEST(ListenAddressTest, AddressesWithAPort) {
  for (const char* text : {"127.0.0.1:0", "0.0.0.0:50051", "[::1]:65535", "[::]:80", "[fd00::1]:1",
                           "localhost:1", "server-1.example:443"}) {
    const auto address = ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << text << ": " << address.status();
    EXPECT_EQ(address->ToString(), text);
  }
  const auto v6 = ParseListenAddress("[::1]:8090");
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 8090);
  EXPECT_TRUE(v6->ip->is_v6);
  EXPECT_EQ(v6->WithPort(7).ToString(), "[::1]:7");
  EXPECT_FALSE(ParseListenAddress("localhost:1")->ip);
}

TEST(ListenAddressTest, ErrorsSayWhatItMustBe) {
  const auto error = [](absl::string_view text) {
    const auto address = ParseListenAddress(text);
    EXPECT_FALSE(address.ok()) << text;
    return std::string(address.status().message());
  };
  for (const char* text : {"", "127.0.0.1", ":8090", "a b:1", "http://x:1", "x\n:1", "[]:1"}) {
    EXPECT_THAT(error(text), HasSubstr("must be address:port")) << text;
  }
  for (const char* text : {"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:000001"}) {
    EXPECT_THAT(error(text), HasSubstr("0 to 65535")) << text;
  }
  EXPECT_THAT(error("::1:50051"), HasSubstr("in brackets"));
  EXPECT_THAT(error("[127.0.0.1]:1"), HasSubstr("only an IPv6 address"));
  EXPECT_THAT(error("[localhost]:1"), HasSubstr("only an IPv6 address"));
}

TEST(ListenAddressTest, SocketsOfOursTakeNoNames) {
  EXPECT_TRUE(ParseIpListenAddress("127.0.0.1:8090").ok());
  EXPECT_TRUE(ParseIpListenAddress("[::1]:8090").ok());
  EXPECT_THAT(ParseIpListenAddress("localhost:8090").status().message(),
              HasSubstr("must be an IP address"));
  EXPECT_THAT(ParseIpListenAddress("x").status().message(), HasSubstr("must be address:port"));
}

}  // namespace
}  // namespace latchwire
