// gRPC brings OpenSSL 3 into the process, our code uses BoringSSL. With the prefix they never meet.

#include <dlfcn.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <string>

#include "gtest/gtest.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "OpenSSL's headers came before BoringSSL's"
#endif

namespace {

// RFC 4231, test case 2.
TEST(TwoCryptoLibraries, OurHmacIsBoringSsls) {
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const std::string data = "what do ya want for nothing?";
  ASSERT_NE(HMAC(EVP_sha256(), "Jefe", 4, reinterpret_cast<const uint8_t*>(data.data()),
                 data.size(), mac, &size),
            nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    char byte[3];
    snprintf(byte, sizeof(byte), "%02x", mac[i]);
    hex += byte;
  }
  EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(TwoCryptoLibraries, BothMakeTlsContexts) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ASSERT_NE(context, nullptr);
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION), 1);

  auto channel = grpc::CreateChannel("127.0.0.1:1", grpc::SslCredentials({}));
  EXPECT_NE(channel->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_SHUTDOWN);
}

TEST(TwoCryptoLibraries, NamesAreTheirOwn) {
  EXPECT_STREQ(OpenSSL_version(0), "BoringSSL");
  EXPECT_STRNE(LATCHWIRE_BORINGSSL_VERSION, "");
  auto* other = reinterpret_cast<const char* (*)(int)>(dlsym(RTLD_DEFAULT, "OpenSSL_version"));
  if (other == nullptr) GTEST_SKIP() << "OpenSSL is linked statically, so it cannot be looked up";
  EXPECT_EQ(std::string(other(0)).substr(0, 9), "OpenSSL 3");
}

}  // namespace
