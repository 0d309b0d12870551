#include "core/http/ip_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace {

using ::testing::HasSubstr;

TEST(Ipv4Spelling, AllThatResolversAccept) {
  for (const char* text : {"127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0X7F000001", "2130706433",
                           "0177.0.0.1", "017700000001", "127.0.0.1.", "0x7f.0.0x0.01"}) {
    EXPECT_TRUE(LooksLikeIpv4(text)) << text;
    EXPECT_EQ(IpAddress::ParseIpv4Spelling(text), IpAddress::V4(0x7F000001)) << text;
  }
  EXPECT_EQ(IpAddress::ParseIpv4Spelling("0x"), IpAddress::V4(0));
  EXPECT_EQ(IpAddress::ParseIpv4Spelling("255.255.255.255"), IpAddress::V4(0xFFFFFFFF));
}

TEST(Ipv4Spelling, WhatLooksLikeOneAndIsNone) {
  for (const char* text : {"256.1.1.1", "1.2.3.4.5", "1.2.3.09", "4294967296", "a.b.1", "1..2",
                           "99999999999999999999999999", "1.2.3.0x100", ".1"}) {
    EXPECT_TRUE(LooksLikeIpv4(text)) << text;
    EXPECT_EQ(IpAddress::ParseIpv4Spelling(text), std::nullopt) << text;
  }
}

TEST(Ipv4Spelling, Names) {
  for (const char* text :
       {"", ".", "a", "1.2.3.4.example", "0xg", "example.0xg", "1a", "-1", "1.."}) {
    EXPECT_FALSE(LooksLikeIpv4(text)) << text;
  }
}

TEST(IpAddress, StrictSpellingOnly) {
  EXPECT_EQ(IpAddress::Parse("127.0.0.1"), IpAddress::V4(0x7F000001));
  EXPECT_EQ(IpAddress::Parse("2001:DB8:0::1")->ToString(), "2001:db8::1");
  for (const char* text : {"", "127.1", "0x7f.1", "0177.0.0.1", "127.0.0.1.", " 127.0.0.1", "[::1]",
                           "fe80::1%eth0", "localhost"}) {
    EXPECT_EQ(IpAddress::Parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(IpAddress::Parse(absl::string_view("::1\0", 4)), std::nullopt);
}

TEST(ParseIpNetworks, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.0.0.1/8", "did you mean 10.0.0.0/8?"},
      {"10.0.0.0/33", "prefix length must be 0 to 32"},
      {"fd00::/129", "prefix length must be 0 to 128"},
      {"10.0.0.0/", "prefix length"},
      {"10.0.0.0/-1", "prefix length"},
      {"10.0.0.0/8x", "prefix length"},
      {"10.0.0/8", "not an IP address or network"},
      {"010.0.0.0/8", "not an IP address or network"},
      {"localhost", "not an IP address or network"},
      {"127.0.0.0/8,,::1", "not an IP address or network"},
      {"fe80::1%eth0", "not an IP address or network"},
  };
  for (const auto& [text, message] : cases) {
    const auto networks = ParseIpNetworks(text);
    EXPECT_EQ(networks.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(networks.status().message()), HasSubstr(message)) << text;
  }
}

TEST(ParseIpNetworks, NoneAndSeveral) {
  EXPECT_TRUE(ParseIpNetworks("")->empty());
  EXPECT_TRUE(ParseIpNetworks("  ")->empty());
  const auto networks = ParseIpNetworks("10.0.0.0/8, fd00::/8,127.0.0.1");
  ASSERT_EQ(networks->size(), 3u);
  EXPECT_EQ((*networks)[1].ToString(), "fd00::/8");
  EXPECT_EQ((*networks)[2].ToString(), "127.0.0.1/32");
}

}  // namespace
}  // namespace latchwire
