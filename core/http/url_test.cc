#include "core/http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace latchwire {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
        Good{"http://a/?u=http://b@c:99999/", false, "a", 80, "/?u=http://b@c:99999/", "a"},
        Good{"http://a_b.c-d.example./", false, "a_b.c-d.example.", 80, "/", "a_b.c-d.example."},
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

// Pairs of a URL and a part of its error.
using Refusals = std::vector<std::pair<std::string, const char*>>;

void ExpectRefused(const Refusals& cases) {
  for (const auto& [text, message] : cases) {
    const auto url = ParseUrl(text);
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(url.status().message()), AllOf(StartsWith("must "), HasSubstr(message)))
        << text;
  }
}

TEST(ParseUrl, RefusalsSayWhatItMustBe) {
  ExpectRefused({
      {"", "must be 4 to 2000 characters, has 0"},
      {"a/b", "must be 4 to 2000 characters, has 3"},
      {"http://a/" + std::string(1992, 'x'), "has 2001"},
      {"http://a/\xff", "must be valid UTF-8"},
      {"example.com/hook", "must be absolute, starting with http:// or https://"},
      {"/hook", "must be absolute"},
      {"ftp://a/", "must be absolute"},
      {"file:///etc/passwd", "must be absolute"},
      {"//a/b", "must be absolute"},
      {"http:/a/b", "must be absolute"},
      {"http:a", "must be absolute"},
      {" http://a", "must be absolute"},
      {"javascript:alert(1)", "must be absolute"},
      {"http://", "must have a host"},
      {"http:///x", "must have a host"},
      {"http://:80/", "must have a host"},
      {"http://?x", "must have a host"},
      {"http://user@a/", "user information"},
      {"http://user:pw@a/", "user information"},
      {"http://@a/", "user information"},
      {"http://a/ b", "escaped it is http://a/%20b"},
      {"http://a/\tb", "escaped it is http://a/%09b"},
      {"http://a/\xC5\x81", "escaped it is http://a/%C5%81"},
      {"http://a/\r\nX: y", "escaped it is http://a/%0D%0AX:%20y"},
      {std::string("http://a/\0", 10), "%00"},
      {"http://a/\x7f", "%7F"},
      {"http://a/x?token=secret y", "escaped it is http://a/x?***"},
      {"http://a b/", "xn--"},
      {"http://\xC5\x81.example/", "xn--"},
      {std::string("http://a\0b/", 11), "xn--"},
      {"http://a:0/", "must have a port of 1 to 65535, or none"},
      {"http://a:65536/", "port"},
      {"http://a:99999999999/", "port"},
      {"http://a:000080/", "port"},
      {"http://a:/", "port"},
      {"http://a:+1/", "port"},
      {"http://a:8o/", "port"},
      {"http://a:1:2/", "port"},
      {"http://::1/", "port"},
      {"http://[::1]:80]/", "port"},
  });
}

TEST(ParseUrl, RefusalsOfHosts) {
  const std::string label64(64, 'a');
  const std::string label61(61, 'b');
  ExpectRefused({
      {"http://a\\b/", "A-Z a-z 0-9 - _ . only"},
      {"http://%31/", "A-Z a-z 0-9 - _ . only"},
      {"http://a%2eb/", "A-Z a-z 0-9 - _ . only"},
      {"http://a..b/", "labels are 1 to 63"},
      {"http://.a/", "labels are 1 to 63"},
      {"http://./", "labels are 1 to 63"},
      {"http://" + label64 + "/", "labels are 1 to 63"},
      {"http://a." + label61 + "." + label61 + "." + label61 + "." + label61 + ".example/",
       "at most 253"},
      {"http://256.1.1.1/", "valid IPv4"},
      {"http://1.2.3.4.5/", "valid IPv4"},
      {"http://1.2.3.09/", "valid IPv4"},
      {"http://4294967296/", "valid IPv4"},
      {"http://door.1/", "valid IPv4"},
      {"http://1..2/", "valid IPv4"},
      {"http://99999999999999999999999999/", "valid IPv4"},
      {"http://[::1/", "valid IPv6"},
      {"http://[1.2.3.4]/", "valid IPv6"},
      {"http://[fe80::1%25eth0]/", "valid IPv6"},
      {"http://[]/", "valid IPv6"},
      {"http://[::1]x/", "valid IPv6"},
      {"http://[", "valid IPv6"},
  });
}

// The check of what users save used to quote the whole URL here, the transport its host and path
// with user name and password.
TEST(ParseUrl, ErrorsShowNoSecrets) {
  for (const char* text :
       {"http://a/b?secret c", "http://a/ b?secret", "http://a b?secret", "ftp://a?secret",
        "http://a b/#secret", "http://a:x?secret", "http://u@a?secret", "http://1.2.3.4.5?secret",
        "http://[::?secret", "http://u:secret@a/ b", "http://secret @a/",
        "http://\xC5\x81:secret@a/"}) {
    const std::string message(ParseUrl(text).status().message());
    EXPECT_THAT(message, StartsWith("must ")) << text;
    EXPECT_THAT(message, Not(HasSubstr("secret"))) << text;
  }
}

TEST(ParseUrl, LengthIsInCharacters) {
  // 2001 bytes, 1005 characters: refused for what it holds and not for its length.
  std::string text = "http://a/";
  while (text.size() < 2001) text += "\xC5\x81";
  EXPECT_THAT(std::string(ParseUrl(text).status().message()), HasSubstr("must be ASCII"));
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

TEST(MaskUrlQuery, KeepsWhatIsNoSecret) {
  EXPECT_EQ(MaskUrlQuery("https://a.example/x"), "https://a.example/x");
  EXPECT_EQ(MaskUrlQuery("https://a.example/x?token=1&b=?"), "https://a.example/x?***");
  EXPECT_EQ(MaskUrlQuery("https://a.example?"), "https://a.example?***");
  EXPECT_EQ(MaskUrlQuery("https://a.example/x#token=1?y"), "https://a.example/x#***");
  EXPECT_EQ(MaskUrlQuery(""), "");
}

}  // namespace
}  // namespace latchwire
