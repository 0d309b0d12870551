#include "server/api/paging.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace latchwire {
namespace {

TEST(PagingTest, PageSizes) {
  EXPECT_EQ(*PageSize(0), 50);
  EXPECT_EQ(*PageSize(1), 1);
  EXPECT_EQ(*PageSize(1000), 1000);
  EXPECT_EQ(ReasonOf(PageSize(1001).status()), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(PageSize(-1).status()), "FIELD_INVALID");
}

TEST(PagingTest, TokensFitTheirArgumentsOnly) {
  const PageArguments arguments(1, {"ListEvents", "a", "b"});
  const std::string token = arguments.MakeToken("42");
  EXPECT_EQ(*arguments.ParseInt64Token(token), 42);
  EXPECT_EQ(*PageArguments(1, {"ListEvents", "a", "b"}).ParseToken(token), "42");
  EXPECT_EQ(*arguments.ParseInt64Token(""), 0);
  for (const PageArguments& other :
       {PageArguments(2, {"ListEvents", "a", "b"}), PageArguments(1, {"ListEvents", "ab", ""}),
        PageArguments(1, {"ListEvents", "a"}), PageArguments(1, {"ListOthers", "a", "b"})}) {
    EXPECT_EQ(ReasonOf(other.ParseToken(token).status()), "PAGE_TOKEN_INVALID");
  }
}

TEST(PagingTest, RefusesTokensThatNobodyMade) {
  const PageArguments arguments(1, {"ListEvents"});
  for (const char* token : {"x", "AAAA", "!!!!", "AAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(ReasonOf(arguments.ParseToken(token).status()), "PAGE_TOKEN_INVALID") << token;
  }
  EXPECT_EQ(ReasonOf(arguments.ParseInt64Token(arguments.MakeToken("x")).status()),
            "PAGE_TOKEN_INVALID");
}

TEST(PagingTest, Names) {
  EXPECT_EQ(*ParseName("webhooks/12", "webhooks", "name"), "12");
  for (const char* name : {"", "webhooks", "webhooks/", "webhook/12", "webhooks/1/2", "/webhooks/1",
                           "webhooksx1", "12"}) {
    EXPECT_EQ(ReasonOf(ParseName(name, "webhooks", "name").status()), "FIELD_INVALID") << name;
  }
  EXPECT_TRUE(IsAllDigits("0123"));
  EXPECT_FALSE(IsAllDigits(""));
  EXPECT_FALSE(IsAllDigits("1a"));
}

}  // namespace
}  // namespace latchwire
