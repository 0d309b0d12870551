#include "core/http/ipv4_spelling.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(Ipv4Spelling, AllThatResolversAccept) {
  for (const char* text : {"127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0X7F000001", "2130706433",
                           "0177.0.0.1", "017700000001", "127.0.0.1.", "0x7f.0.0x0.01"}) {
    EXPECT_TRUE(LooksLikeIpv4(text)) << text;
    EXPECT_EQ(ParseIpv4Spelling(text), 0x7F000001u) << text;
  }
  EXPECT_EQ(ParseIpv4Spelling("0x"), 0u);
  EXPECT_EQ(ParseIpv4Spelling("255.255.255.255"), 0xFFFFFFFFu);
}

TEST(Ipv4Spelling, WhatLooksLikeOneAndIsNone) {
  for (const char* text : {"256.1.1.1", "1.2.3.4.5", "1.2.3.09", "4294967296", "a.b.1", "1..2",
                           "99999999999999999999999999", "1.2.3.0x100", ".1"}) {
    EXPECT_TRUE(LooksLikeIpv4(text)) << text;
    EXPECT_EQ(ParseIpv4Spelling(text), std::nullopt) << text;
  }
}

TEST(Ipv4Spelling, Names) {
  for (const char* text :
       {"", ".", "a", "1.2.3.4.example", "0xg", "example.0xg", "1a", "-1", "1.."}) {
    EXPECT_FALSE(LooksLikeIpv4(text)) << text;
  }
}

}  // namespace
}  // namespace latchwire
