#include "core/base/crypto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace internal {
uint32_t Crc32cByTable(absl::string_view data, uint32_t seed);
}
namespace {

using ::testing::Eq;
using ::testing::Optional;
using ::testing::StartsWith;

std::string Hex(const Sha256Digest& digest) { return HexEncode(AsBytes(digest)); }

TEST(Sha256, Fips180Vectors) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HmacSha256, Rfc4231Vectors) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), {"Hi There"})),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", {"what do ya want for nothing?"})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\xaa'), {std::string(50, '\xdd')})),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           {"Test Using Larger Than Block-Size Key - Hash Key First"})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, PartsAreConcatenated) {
  EXPECT_EQ(HmacSha256("Jefe", {"what do ya", "", " want for", " nothing?"}),
            HmacSha256("Jefe", {"what do ya want for nothing?"}));
}

TEST(HmacSha256, EmptyKeyAndNoData) {
  EXPECT_EQ(Hex(HmacSha256("", {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ConstantTimeEquals, ComparesBytes) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "abcd"));
  EXPECT_FALSE(ConstantTimeEquals("", "a"));
}

// RFC 3720, B.4, and the check value of the CRC catalogues.
TEST(Crc32c, KnownVectors) {
  for (const auto crc : {&Crc32c, &internal::Crc32cByTable}) {
    EXPECT_EQ(crc("123456789", 0), 0xe3069283u);
    EXPECT_EQ(crc("", 0), 0u);
    EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8a9136aau);
    EXPECT_EQ(crc(std::string(32, '\xff'), 0), 0x62a8ab43u);
    std::string up;
    for (char c = 0; c < 32; ++c) up.push_back(c);
    EXPECT_EQ(crc(up, 0), 0x46dd794eu);
  }
}

TEST(Crc32c, SeedContinuesAndBothWaysAgreeAtEveryLength) {
  std::string data;
  for (int i = 0; i < 100; ++i) data.push_back(static_cast<char>(i * 37));
  for (size_t split = 0; split <= data.size(); ++split) {
    const absl::string_view all = data;
    EXPECT_EQ(Crc32c(all.substr(split), Crc32c(all.substr(0, split))), Crc32c(all));
    EXPECT_EQ(Crc32c(all.substr(split)), internal::Crc32cByTable(all.substr(split), 0));
  }
}

TEST(Hex, RoundTripAndRefusals) {
  EXPECT_EQ(HexEncode(absl::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_THAT(HexDecode("00FF1a"), Optional(std::string("\x00\xff\x1a", 3)));
  EXPECT_THAT(HexDecode(""), Optional(Eq("")));
  EXPECT_EQ(HexDecode("0"), std::nullopt);
  EXPECT_EQ(HexDecode("0g"), std::nullopt);
  EXPECT_EQ(HexDecode("0x"), std::nullopt);
}

TEST(Base64, Rfc4648Vectors) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff", "+/8="},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_THAT(Base64Decode(text), Optional(Eq(bytes)));
  }
}

TEST(Base64, RefusesAnythingElse) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z", "Zm9v\n", " Zm9v", "Zm-_", "Zh==", "Zm9=", "Zg==Zg==", "===="}) {
    EXPECT_EQ(Base64Decode(text), std::nullopt) << text;
  }
}

TEST(Base64Url, NoPadding) {
  EXPECT_EQ(Base64UrlEncode("\xfb\xff"), "-_8");
  EXPECT_EQ(Base64UrlEncode(""), "");
}

TEST(CryptoLibraryVersion, NamesTheLibrary) {
  EXPECT_THAT(std::string(CryptoLibraryVersion()), StartsWith("BoringSSL "));
}

}  // namespace
}  // namespace latchwire
