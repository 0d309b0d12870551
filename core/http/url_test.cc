#include "core/http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace {

using ::testing::HasSubstr;

struct Good {
  const char* text;
  bool is_https;
  const char* host;
  int port;
  const char* target;
  const char* host_header;
};

class GoodUrl : public ::testing::TestWithParam<Good> {};

TEST_P(GoodUrl, Parses) {
  const Good& expected = GetParam();
  const auto url = ParseUrl(expected.text);
  ASSERT_TRUE(url.ok()) << expected.text << ": " << url.status();
  EXPECT_EQ(url->is_https, expected.is_https);
  EXPECT_EQ(url->host, expected.host);
  EXPECT_EQ(url->port, expected.port);
  EXPECT_EQ(url->target, expected.target);
  EXPECT_EQ(url->host_header, expected.host_header);
}

INSTANTIATE_TEST_SUITE_P(
    All, GoodUrl,
    ::testing::Values(
        Good{"http://a.example", false, "a.example", 80, "/", "a.example"},
        Good{"HTTPS://A.Example/", true, "a.example", 443, "/", "a.example"},
        Good{"https://a.example?q=1", true, "a.example", 443, "/?q=1", "a.example"},
        Good{"https://a.example#f", true, "a.example", 443, "/", "a.example"},
        Good{"https://a.example/x?y#f?g", true, "a.example", 443, "/x?y", "a.example"},
        Good{"https://a.example:443/x", true, "a.example", 443, "/x", "a.example"},
        Good{"http://a.example:443/x", false, "a.example", 443, "/x", "a.example:443"},
        Good{"http://a.example:0080/", false, "a.example", 80, "/", "a.example"},
        Good{"http://a.example:65535/", false, "a.example", 65535, "/", "a.example:65535"},
        // Byte for byte.
        Good{"http://a/b/../c/./%2e%2E/%zz//?a=b?c&{\"|\\^`}", false, "a", 80,
             "/b/../c/./%2e%2E/%zz//?a=b?c&{\"|\\^`}", "a"},
        Good{"http://a/@b:c", false, "a", 80, "/@b:c", "a"},
        Good{"http://under_score.example./x", false, "under_score.example.", 80, "/x",
             "under_score.example."},
        Good{"http://xn--d-xja.example/", false, "xn--d-xja.example", 80, "/", "xn--d-xja.example"},
        Good{"http://1.2.3.4.example/", false, "1.2.3.4.example", 80, "/", "1.2.3.4.example"},
        Good{"http://0xg.example/", false, "0xg.example", 80, "/", "0xg.example"},
        // Spellings of addresses.
        Good{"http://127.0.0.1:8080/", false, "127.0.0.1", 8080, "/", "127.0.0.1:8080"},
        Good{"http://127.0.0.1./", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://127.1/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://0x7f.1/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://0X7F000001/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://2130706433/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://0177.0.0.1/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://017700000001/", false, "127.0.0.1", 80, "/", "127.0.0.1"},
        Good{"http://0/", false, "0.0.0.0", 80, "/", "0.0.0.0"},
        Good{"http://192.168.257/", false, "192.168.1.1", 80, "/", "192.168.1.1"},
        Good{"http://0x/", false, "0.0.0.0", 80, "/", "0.0.0.0"},
        Good{"http://[::1]/", false, "::1", 80, "/", "[::1]"},
        Good{"https://[2001:DB8:0:0::1]:8443/x", true, "2001:db8::1", 8443, "/x",
             "[2001:db8::1]:8443"},
        Good{"http://[::ffff:127.0.0.1]/", false, "::ffff:127.0.0.1", 80, "/",
             "[::ffff:127.0.0.1]"}));

TEST(ParseUrl, AddressIsSetForAddressesOnly) {
  EXPECT_EQ(ParseUrl("http://0x7f.1/")->address, IpAddress::Parse("127.0.0.1"));
  EXPECT_EQ(ParseUrl("http://[::1]/")->address, IpAddress::Parse("::1"));
  EXPECT_EQ(ParseUrl("http://localhost/")->address, std::nullopt);
}

TEST(ParseUrl, OriginIsWhatAConnectionIsSharedFor) {
  EXPECT_EQ(ParseUrl("http://A/x")->origin, ParseUrl("http://a:80/y?z")->origin);
  EXPECT_EQ(ParseUrl("http://127.1/x")->origin, ParseUrl("http://127.0.0.1/")->origin);
  EXPECT_NE(ParseUrl("http://a:443/x")->origin, ParseUrl("https://a/")->origin);
  EXPECT_EQ(ParseUrl("https://[::1]/")->origin, "https://[::1]:443");
}

TEST(ParseUrl, Refusals) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "must have 4 to 2000 characters, has 0"},
      {"a/b", "must have 4 to 2000 characters, has 3"},
      {"http://a/" + std::string(1992, 'x'), "has 2001"},
      {"ftp://a/", "must be absolute and start with http:// or https://"},
      {"//a/b", "must be absolute"},
      {"http:/a/b", "must be absolute"},
      {"javascript:alert(1)", "must be absolute"},
      {"http://", "has no host"},
      {"http:///x", "has no host"},
      {"http://:80/", "has no host"},
      {"http://user@a/", "user name or password"},
      {"http://user:pw@a/", "user name or password"},
      {"http://a/ b", "escaped it is http://a/%20b"},
      {"http://a/\xC5\x81", "escaped it is http://a/%C5%81"},
      {"http://a/\r\nX: y", "escaped it is http://a/%0D%0AX:%20y"},
      {std::string("http://a/\0", 10), "%00"},
      {"http://a/\x7f", "%7F"},
      {"http://a/x?token=secret y", "characters in its query or fragment"},
      {"http://\xC5\x81.example/", "xn--"},
      {"http://a:0/", "port \"0\"; it must be 1 to 65535"},
      {"http://a:65536/", "port \"65536\""},
      {"http://a:/", "port \"\""},
      {"http://a:+1/", "port \"+1\""},
      {"http://a:1:2/", "port \"1:2\""},
      {"http://a\\b/", "the character '\\' in its host"},
      {"http://%31/", "the character '%' in its host"},
      {"http://a..b/", "empty label"},
      {"http://.a/", "empty label"},
      {"http://./", "empty label"},
      {"http://" + std::string(64, 'a') + "/", "more than 63"},
      {"http://a." + std::string(61, 'b') + "." + std::string(61, 'b') + "." +
           std::string(61, 'b') + "." + std::string(61, 'b') + ".example/",
       "more than 253"},
      {"http://256.1.1.1/", "invalid IPv4"},
      {"http://1.2.3.4.5/", "invalid IPv4"},
      {"http://1.2.3.09/", "invalid IPv4"},
      {"http://4294967296/", "invalid IPv4"},
      {"http://a.b.1/", "invalid IPv4"},
      {"http://1..2/", "invalid IPv4"},
      {"http://99999999999999999999999999/", "invalid IPv4"},
      {"http://[::1/", "closing bracket"},
      {"http://[1.2.3.4]/", "invalid IPv6"},
      {"http://[fe80::1%25eth0]/", "invalid IPv6"},
      {"http://[]/", "invalid IPv6"},
      {"http://[::1]x/", "closing bracket"},
  };
  for (const auto& [text, message] : cases) {
    const auto url = ParseUrl(text);
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(url.status().message()), HasSubstr(message)) << text;
  }
}

TEST(ParseUrl, ErrorsDoNotShowQueries) {
  for (const char* text :
       {"http://a/b?secret c", "http://a b?secret", "ftp://a?secret", "http://a b/#secret",
        "http://a:x?secret", "http://u@a?secret", "http://1.2.3.4.5?secret", "http://[::?secret"}) {
    EXPECT_EQ(std::string(ParseUrl(text).status().message()).find("secret"), std::string::npos)
        << text << ": " << ParseUrl(text).status();
  }
}

TEST(ParseUrl, LengthIsInCodePoints) {
  // 2001 bytes, 1001 characters: refused for what it holds and not for its length.
  std::string text = "http://a/";
  while (text.size() < 2001) text += "\xC5\x81";
  EXPECT_THAT(std::string(ParseUrl(text).status().message()), HasSubstr("non-ASCII"));
  EXPECT_TRUE(ParseUrl("http://a/" + std::string(1991, 'x')).ok());
}

TEST(ParseUrl, AnAddressOfAnyLength) {
  EXPECT_EQ(ParseUrl("http://" + std::string(70, '0') + "5/")->host, "0.0.0.5");
}

TEST(ParseUrl, TheRootsDotIsNoPartOfTheLongestName) {
  const std::string label(63, 'a');
  const std::string name = label + "." + label + "." + label + "." + std::string(61, 'a');
  ASSERT_EQ(name.size(), 253u);
  EXPECT_TRUE(ParseUrl("http://" + name + "./").ok());
  EXPECT_FALSE(ParseUrl("http://" + name + "a./").ok());
}

}  // namespace
}  // namespace latchwire
