#include "core/http/decimal.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(Decimal, OnlyDigitsUpToTheLimit) {
  EXPECT_EQ(ParseDecimal("0", 32, 3), 0u);
  EXPECT_EQ(ParseDecimal("032", 32, 3), 32u);
  for (const char* text : {"", "33", "0032", "+1", "-1", " 1", "1 ", "0x1", "1.", "99999999999"}) {
    EXPECT_EQ(ParseDecimal(text, 32, 3), std::nullopt) << text;
  }
  EXPECT_EQ(ParseDecimal("4294967295", UINT32_MAX, 10), UINT32_MAX);
  EXPECT_EQ(ParseDecimal("4294967296", UINT32_MAX, 10), std::nullopt);
  EXPECT_FALSE(IsDecimal("\xB2"));
}

TEST(Decimal, Ports) {
  EXPECT_EQ(ParsePort("0"), 0);
  EXPECT_EQ(ParsePort("00080"), 80);
  EXPECT_EQ(ParsePort("65535"), 65535);
  for (const char* text : {"", "65536", "000080", "+80", "80 ", "8o"}) {
    EXPECT_EQ(ParsePort(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace latchwire
