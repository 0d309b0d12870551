#include "server/state/change_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "core/base/error.h"
#include "core/base/testing/simulated_world.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kInterval = absl::Seconds(1);

// Reads at once, on the caller's thread, one after the other.
class InlineReads : public ReadPool {
 public:
  explicit InlineReads(Store* store) : store_(*store) {}
  bool Submit(Read read) override {
    SubmitAlways(std::move(read));
    return true;
  }
  void SubmitAlways(Read read) override { queued_.push_back(std::move(read)); }
  void RunAll() {
    while (!queued_.empty()) {
      Read read = std::move(queued_.front());
      queued_.pop_front();
      read(store_);
      ++count_;
    }
  }
  int count() const { return count_; }

 private:
  Store& store_;
  std::deque<Read> queued_;
  int count_ = 0;
};

// One server on a database, and another that is only a handle.
class ChangeFollowerTest : public ::testing::Test {
 protected:
  ChangeFollowerTest() {
    EXPECT_TRUE(configuration_.Load(store_.get()).ok());
    configuration_.SetWebhookListener(
        [this](WebhookKey key, const std::shared_ptr<const Webhook>& webhook) {
          told_.emplace_back(key.uid, webhook != nullptr);
        });
    configuration_.SetKeyListener(
        [this](TenantId, const std::string& id) { deleted_keys_.push_back(id); });
    writer_.AddObserver(&configuration_);
    writer_.AddObserver(follower_.get());
    follower_->Start();
  }

  // The time passes, and the reads that it brings are made.
  void RunFor(absl::Duration duration) {
    executor_.RunFor(duration);
    reads_.RunAll();
  }
  template <typename M>
  typename M::Result Elsewhere(const M& mutation) {
    const auto result = WriteOne(*other_, mutation);
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  }
  template <typename M>
  absl::StatusOr<typename M::Result> Here(M mutation) {
    absl::StatusOr<typename M::Result> result;
    writer_.Submit(std::move(mutation),
                   [&](Written<M> written) { result = std::move(written.result); });
    writer_.Step();
    return result;
  }
  static CreateWebhook NewWebhook(std::string id) {
    CreateWebhook create;
    create.webhook.key.tenant = kDefaultTenant;
    create.webhook.id = std::move(id);
    return create;
  }
  static CreateApiKey NewKey(std::string id) {
    CreateApiKey create;
    create.key.tenant = kDefaultTenant;
    create.key.id = std::move(id);
    return create;
  }
  AppendPublished Matched() {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    NewEvent& incoming = append.events.emplace_back();
    incoming.event = std::make_shared<Event>();
    incoming.event->id = "event-" + std::to_string(++events_);
    const auto matched = configuration_.Match(kDefaultTenant, {&incoming.event, 1});
    append.generation = matched.generation;
    for (const auto& webhook : matched.webhooks[0]) {
      incoming.targets.emplace_back().webhook_uid = webhook->key.uid;
    }
    return append;
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  std::unique_ptr<Store> other_ = NewMemoryStore(database_);
  InlineReads reads_{store_.get()};
  Configuration configuration_;
  Writer writer_{store_.get(), WriterOptions()};
  std::vector<WebhookKey> work_;
  std::shared_ptr<ChangeFollower> follower_ = std::make_shared<ChangeFollower>(
      &executor_, &reads_, &configuration_, kInterval, [this](std::vector<WebhookKey> webhooks) {
        work_.insert(work_.end(), webhooks.begin(), webhooks.end());
      });
  std::vector<std::pair<int64_t, bool>> told_;  // uid, whether it exists
  std::vector<std::string> deleted_keys_;
  int events_ = 0;
};

TEST_F(ChangeFollowerTest, AnothersWebhooksAppearChangeAndGo) {
  Webhook webhook = *Elsewhere(NewWebhook("a")).webhook;
  EXPECT_EQ(configuration_.FindWebhook(webhook.key), nullptr);
  RunFor(kInterval);
  ASSERT_NE(configuration_.FindWebhook(webhook.key), nullptr);
  webhook.state = WebhookState::kPaused;
  Elsewhere(UpdateWebhook{webhook});
  RunFor(kInterval);
  EXPECT_EQ(configuration_.FindWebhook(webhook.key)->state, WebhookState::kPaused);
  EXPECT_EQ(configuration_.CountWebhooks(WebhookState::kPaused), 1u);
  EXPECT_EQ(configuration_.CountWebhooks(WebhookState::kActive), 0u);
  Elsewhere(DeleteWebhook{webhook.key});
  RunFor(kInterval);
  EXPECT_EQ(configuration_.FindWebhook(webhook.key), nullptr);
  EXPECT_THAT(told_, ElementsAre(std::pair(1, true), std::pair(1, true), std::pair(1, false)));
}

TEST_F(ChangeFollowerTest, AnothersTenantsAndKeysAreKnownAndDeletedKeysAreNot) {
  CreateTenant create;
  create.settings.display_name = "new";
  const TenantId tenant = Elsewhere(create).tenant.id;
  CreateApiKey key = NewKey("key-1");
  key.key.tenant = tenant;
  Elsewhere(key);
  RunFor(kInterval);
  EXPECT_EQ(configuration_.FindTenant(tenant)->settings.display_name, "new");
  EXPECT_TRUE(configuration_.FindApiKey("key-1").has_value());
  UpdateTenant update;
  update.tenant = tenant;
  update.settings.quotas.max_webhooks = 3;
  Elsewhere(update);
  Elsewhere(DeleteApiKey{tenant, "key-1"});
  RunFor(kInterval);
  EXPECT_EQ(configuration_.FindTenant(tenant)->settings.quotas.max_webhooks, 3);
  EXPECT_FALSE(configuration_.FindApiKey("key-1").has_value());
  EXPECT_THAT(deleted_keys_, ElementsAre("key-1"));
}

// The tenant used to be stale for ever.
TEST_F(ChangeFollowerTest, AStaleAppendBringsTheReloadAtOnce) {
  Elsewhere(NewWebhook("a"));
  EXPECT_EQ(ReasonOf(Here(Matched()).status()), "STALE_GENERATION");
  reads_.RunAll();
  const auto stored = Here(Matched());
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_TRUE(store_->GetDelivery({{kDefaultTenant, 1}, 1}).ok());
}

TEST_F(ChangeFollowerTest, AChangeOfOursDoesNotHideAnothersBeforeIt) {
  Elsewhere(NewWebhook("a"));
  ASSERT_TRUE(Here(NewWebhook("b")).ok());
  EXPECT_NE(configuration_.FindWebhook(kDefaultTenant, "b"), nullptr) << "its caller goes on";
  EXPECT_TRUE(configuration_.IsBehind());
  EXPECT_EQ(ReasonOf(Here(Matched()).status()), "STALE_GENERATION") << "never past \"a\"";
  reads_.RunAll();
  EXPECT_FALSE(configuration_.IsBehind());
  EXPECT_EQ(Matched().events[0].targets.size(), 2u);
  EXPECT_TRUE(Here(Matched()).ok());
}

TEST_F(ChangeFollowerTest, WhatAReloadHasBroughtIsNotTakenBackByACommitBeforeIt) {
  const Webhook webhook = *Elsewhere(NewWebhook("a")).webhook;
  RunFor(kInterval);
  // Written here and changed again elsewhere; the reload comes before we are told of our own.
  Webhook ours = webhook;
  ours.url = "https://example.com/ours";
  const Mutation mutation = UpdateWebhook{ours};
  MutationResult result;
  ASSERT_TRUE(store_->Write({&mutation, 1}, {&result, 1}).ok());
  Webhook theirs = *ResultOf<UpdateWebhook>(result).webhook;
  theirs.url = "https://example.com/theirs";
  Elsewhere(UpdateWebhook{theirs});
  RunFor(kInterval);
  configuration_.OnCommitted(WrittenBatch({&mutation, 1}, {&result, 1}));
  EXPECT_EQ(configuration_.FindWebhook(webhook.key)->url, "https://example.com/theirs");
  EXPECT_FALSE(configuration_.IsBehind());
}

TEST_F(ChangeFollowerTest, OurOwnChangesAreNotReadAgain) {
  ASSERT_TRUE(Here(NewWebhook("a")).ok());
  ASSERT_TRUE(Here(NewKey("key-1")).ok());
  told_.clear();
  reads_.RunAll();
  EXPECT_EQ(reads_.count(), 0) << "nothing is behind";
  RunFor(kInterval);
  EXPECT_EQ(reads_.count(), 1);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ChangeFollowerTest, WorkThatAnotherLeftIsToldOf) {
  Elsewhere(NewWebhook("a"));
  RunFor(kInterval);
  AcquireLeases acquire;
  acquire.owner = "here";
  acquire.now = clock_.Now();
  acquire.duration = absl::Hours(1);
  ASSERT_TRUE(Here(acquire).ok());
  ASSERT_TRUE(Here(Matched()).ok());
  RunFor(kInterval);
  EXPECT_THAT(work_, IsEmpty()) << "our own";
  Elsewhere(Matched());
  RunFor(kInterval);
  EXPECT_THAT(work_, ElementsAre(WebhookKey{kDefaultTenant, 1}));
  RunFor(kInterval);
  EXPECT_THAT(work_, testing::SizeIs(1)) << "told once";
}

TEST_F(ChangeFollowerTest, StoppedItPollsNoMore) {
  follower_->Stop();
  Elsewhere(NewWebhook("a"));
  RunFor(10 * kInterval);
  EXPECT_EQ(reads_.count(), 0);
  EXPECT_EQ(executor_.pending(), 0u);
}

}  // namespace
}  // namespace latchwire
