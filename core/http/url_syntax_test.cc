#include "core/http/url_syntax.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

using testing::HasSubstr;

TEST(UrlSyntax, AcceptsWhatCanBeCalled) {
  for (const char* url :
       {"http://a", "https://example.com", "HTTPS://Example.com/", "http://127.0.0.1:8080/x",
        "http://[::1]/", "http://[2001:db8::1]:443/x?y#z", "http://a:1", "http://a:65535/",
        "http://a_b.c-d.example./", "http://a?q", "http://a#f", "http://a/?u=http://b@c:99999/",
        "http://a/%2e%2E/../b//c", "http://a/%zz", "http://a/{x}|\"<>^`\\", "http://a/@",
        "http://0x7f000001/", "http://a:0080/"}) {
    EXPECT_EQ(UrlSyntaxError(url), std::nullopt) << url;
  }
  EXPECT_EQ(UrlSyntaxError("http://a/" + std::string(1991, 'x')), std::nullopt);
  // An address, as which the transport reads it: the lengths of labels are none of its concern.
  EXPECT_EQ(UrlSyntaxError("http://" + std::string(70, '0') + "5/"), std::nullopt);
}

TEST(UrlSyntax, NamesWhatIsWrong) {
  const std::string label64(64, 'a');
  const std::string host254 = std::string("a.") + std::string(252, 'a');
  const std::pair<std::string, const char*> cases[] = {
      {"", "must be 4 to 2000 characters, has 0"},
      {"abc", "must be 4 to 2000 characters, has 3"},
      {"http://a/" + std::string(1992, 'x'), "must be 4 to 2000 characters, has 2001"},
      {"http://a/\xff", "not valid UTF-8"},
      {"example.com/hook", "absolute"},
      {"//example.com", "absolute"},
      {"/hook", "absolute"},
      {"ftp://example.com", "absolute"},
      {"file:///etc/passwd", "absolute"},
      {"http:/a", "absolute"},
      {"http:a", "absolute"},
      {" http://a", "absolute"},
      {"http://", "no host"},
      {"http:///x", "no host"},
      {"http://:80/", "no host"},
      {"http://?x", "no host"},
      {"http://user@a/", "user information"},
      {"http://user:password@a/", "user information"},
      {"http://@a/", "user information"},
      {"http://a:/", "port"},
      {"http://a:0/", "port"},
      {"http://a:65536/", "port"},
      {"http://a:+80/", "port"},
      {"http://a:8o/", "port"},
      {"http://a:80:80/", "port"},
      {"http://a:99999999999/", "port"},
      {"http://[::1/", "IPv6"},
      {"http://[::1]x/", "IPv6"},
      {"http://[]/", "IPv6"},
      {"http://[1.2.3.4]/", "IPv6"},
      {"http://[::1%25eth0]/", "IPv6"},
      {"http://::1/", "port"},
      {"http://256.1.1.1/", "invalid IPv4"},
      {"http://1.2.3.4.5/", "invalid IPv4"},
      {"http://door.1/", "invalid IPv4"},
      {"http://a:000080/", "port"},
      {"http://a b/", "xn--"},
      {"http://łódź.example/", "xn--"},
      {"http://a..b/", "1 to 63"},
      {"http://.a/", "1 to 63"},
      {"http://./", "1 to 63"},
      {"http://" + label64 + "/", "1 to 63"},
      {"http://" + host254 + "/", "253"},
      {"http://a%2eb/", "other than"},
      {"http://a\\b/", "other than"},
      {"http://a/b c", "http://a/b%20c"},
      {"http://a/\tb", "http://a/%09b"},
      {"http://a/x\n", "http://a/x%0A"},
      {"http://a/zażółć?q=\x7f", "http://a/za%C5%BC%C3%B3%C5%82%C4%87?q=%7F"},
  };
  for (const auto& [url, expected] : cases) {
    const auto error = UrlSyntaxError(url);
    ASSERT_TRUE(error) << url;
    EXPECT_THAT(*error, HasSubstr(expected)) << url;
  }
  EXPECT_TRUE(UrlSyntaxError(std::string("http://a/\0", 10)));
  EXPECT_TRUE(UrlSyntaxError(std::string("http://a\0b/", 11)));
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
