#include "core/domain/api_key.h"

#include "core/base/crypto.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

TEST(ApiKey, MadeKeyFitsItsTokenAlone) {
  SeededRandom random(1);
  const NewApiKey made = MakeApiKey(&random);
  EXPECT_EQ(made.key.id.size(), 16);
  const auto parts = ParseToken(made.token);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->first, made.key.id);
  EXPECT_EQ(parts->second.size(), 43);  // 32 bytes
  EXPECT_TRUE(SecretFits(made.key, parts->second));
  EXPECT_FALSE(SecretFits(made.key, parts->second + "A"));
  EXPECT_FALSE(SecretFits(made.key, ""));

  const NewApiKey other = MakeApiKey(&random);
  EXPECT_NE(other.key.id, made.key.id);
  EXPECT_FALSE(SecretFits(other.key, parts->second));
}

TEST(ApiKey, KeepsOnlyAHash) {
  SeededRandom random(2);
  const NewApiKey made = MakeApiKey(&random);
  EXPECT_EQ(made.key.secret_hash.size(), 32);
  EXPECT_EQ(made.key.secret_hash.find(ParseToken(made.token)->second), std::string::npos);
}

TEST(ApiKey, AKeyWithoutAHashFitsNothing) {
  EXPECT_FALSE(SecretFits(ApiKey{}, ""));
  EXPECT_FALSE(SecretFits(ApiKey{}, "secret"));
}

TEST(ApiKey, RefusesWhatIsNoToken) {
  const std::string id = "0123456789abcdef";
  EXPECT_TRUE(ParseToken(id + ".s"));
  EXPECT_TRUE(ParseToken("wrong.key")) << "of the form, though no key of ours looks so";
  for (const std::string& token :
       {std::string(), std::string("."), id, id + ".", "." + id, id + "..s", id + ".s.s",
        id + ".s s", id + ".ż", id + "." + std::string(256, 's'), "a/b.s" + id, id + ".s="}) {
    EXPECT_FALSE(ParseToken(token)) << token;
  }
}

TEST(ApiKey, Roles) {
  const Role roles[] = {Role::kAdmin, Role::kPublisher, Role::kViewer, Role::kAgent};
  for (const Role role : roles) {
    for (const Role required : roles) {
      const bool allowed = role == required || (role == Role::kAdmin && required != Role::kAgent);
      EXPECT_EQ(RoleAllows(role, required), allowed)
          << RoleName(role) << " for " << RoleName(required);
    }
  }
  EXPECT_EQ(RoleName(Role::kAdmin), "admin");
  EXPECT_EQ(RoleName(Role::kPublisher), "publisher");
  EXPECT_EQ(RoleName(Role::kViewer), "viewer");
  EXPECT_EQ(RoleName(Role::kAgent), "agent");
}

}  // namespace
}  // namespace latchwire
