#include "server/state/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ConfigurationTest : public ::testing::Test {
 protected:
  ConfigurationTest() : store_(NewMemoryStore()) {
    EXPECT_TRUE(configuration_.Load(store_.get()).ok());
  }

  // Writes, and tells the configuration as the writer would.
  void Commit(const Mutation& mutation) {
    EXPECT_TRUE(store_->Write({&mutation, 1}, {&result_, 1}).ok());
    configuration_.OnCommitted(WrittenBatch({&mutation, 1}, {&result_, 1}));
  }

  Webhook Create(std::string id, std::vector<EventMatch> any_of = {}) {
    CreateWebhook create;
    create.webhook.key.tenant = kDefaultTenant;
    create.webhook.id = std::move(id);
    create.webhook.url = "http://receiver.test/";
    create.webhook.any_of = std::move(any_of);
    Commit(create);
    return *ResultOf<CreateWebhook>(result_).webhook;
  }

  void AddKey(std::string id, int64_t seconds) {
    CreateApiKey create;
    create.key.tenant = kDefaultTenant;
    create.key.id = std::move(id);
    create.key.create_time = absl::FromUnixSeconds(seconds);
    Commit(std::move(create));
  }

  std::vector<std::string> Keys(const ApiKeyPosition& after, size_t limit) {
    std::vector<std::string> ids;
    for (const ApiKey& key : configuration_.ListApiKeys(kDefaultTenant, after, limit)) {
      ids.push_back(key.id);
    }
    return ids;
  }

  Configuration::Matched Match(absl::string_view type) {
    auto event = std::make_shared<Event>();
    event->type = std::string(type);
    return configuration_.Match(kDefaultTenant, {&event, 1});
  }

  std::unique_ptr<Store> store_;
  Configuration configuration_;
  MutationResult result_;  // of the last commit
};

TEST_F(ConfigurationTest, AFormatOfANewerProgramIsRefusedWhenLoaded) {
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  create.webhook.id = "later";
  create.webhook.format = static_cast<WebhookFormat>(999);
  ASSERT_TRUE(WriteOne(*store_, create).ok());
  const absl::Status status = Configuration().Load(store_.get());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), ::testing::HasSubstr("webhooks/later has the format 999"));
}

TEST_F(ConfigurationTest, FollowsTheLifeOfAWebhook) {
  const Webhook created = Create("a-uuid", {{"door.*", "", ""}});
  EXPECT_THAT(Match("door.opened").webhooks[0], SizeIs(1));
  EXPECT_THAT(Match("call.started").webhooks[0], IsEmpty());
  EXPECT_EQ(configuration_.FindWebhook(kDefaultTenant, "a-uuid")->key.uid, 1);
  EXPECT_EQ(configuration_.FindWebhook(kDefaultTenant, "1")->id, "a-uuid");
  EXPECT_EQ(configuration_.FindWebhook(kDefaultTenant, "99999999999999999999"), nullptr);
  const int64_t generation = Match("x").generation;

  UpdateWebhook update;
  update.webhook = created;
  update.webhook.any_of = {{"call.*", "", ""}};
  Commit(update);
  EXPECT_THAT(Match("door.opened").webhooks[0], IsEmpty());
  EXPECT_THAT(Match("call.started").webhooks[0], SizeIs(1));
  EXPECT_GT(Match("x").generation, generation);

  DeleteWebhook remove;
  remove.key = created.key;
  Commit(remove);
  EXPECT_THAT(Match("call.started").webhooks[0], IsEmpty());
  EXPECT_EQ(configuration_.FindWebhook(kDefaultTenant, "a-uuid"), nullptr);
  EXPECT_THAT(configuration_.ListWebhooks(kDefaultTenant, 0, 10), IsEmpty());
}

TEST_F(ConfigurationTest, IgnoresWhatFailed) {
  const Webhook created = Create("a-uuid");
  UpdateWebhook stale;
  stale.webhook = created;
  stale.webhook.revision = 7;
  stale.webhook.url = "http://other.test/";
  Commit(stale);
  EXPECT_EQ(configuration_.FindWebhook(created.key)->url, "http://receiver.test/");
}

TEST_F(ConfigurationTest, LoadsWhatTheStoreHolds) {
  Create("a-uuid");
  AddKey("key-1", 1);
  Configuration other;
  ASSERT_TRUE(other.Load(store_.get()).ok());
  EXPECT_NE(other.FindWebhook(kDefaultTenant, "a-uuid"), nullptr);
  EXPECT_TRUE(other.FindApiKey("key-1").has_value());
}

TEST_F(ConfigurationTest, TellsTheListener) {
  std::vector<bool> exists;
  configuration_.SetWebhookListener([&](WebhookKey, const std::shared_ptr<const Webhook>& webhook) {
    exists.push_back(webhook != nullptr);
  });
  const Webhook created = Create("a-uuid");
  DeleteWebhook remove;
  remove.key = created.key;
  Commit(remove);
  EXPECT_THAT(exists, ElementsAre(true, false));
}

TEST_F(ConfigurationTest, ListsKeysInOrderOfCreationAndGoesOnAfterADeletedOne) {
  AddKey("c", 1);
  AddKey("b", 2);
  AddKey("a", 2);
  AddKey("d", 3);
  EXPECT_THAT(Keys({}, 10), ElementsAre("c", "a", "b", "d"));
  const ApiKeyPosition after{absl::FromUnixSeconds(2), "a"};
  EXPECT_THAT(Keys(after, 10), ElementsAre("b", "d"));
  DeleteApiKey remove;
  remove.tenant = kDefaultTenant;
  remove.id = "a";
  Commit(remove);
  EXPECT_FALSE(configuration_.FindApiKey("a").has_value());
  EXPECT_THAT(Keys(after, 1), ElementsAre("b"));
}

}  // namespace
}  // namespace latchwire
