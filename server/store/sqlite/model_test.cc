// The same random mutations on SQLite and on the maps of the memory store: after each write, all
// results and all that can be read must be the same.
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/random.h"
#include "core/base/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "server/store/memory/memory_store.h"
#include "server/store/sqlite/sqlite_store.h"
#include "server/store/testing/conformance.h"
#include "server/store/testing/result_text.h"

namespace latchwire {
namespace {

constexpr int kIds = 40;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), memory_(NewMemoryStore(database_)) { Reopen(); }

  void Step() {
    std::vector<Mutation> mutations;
    for (int count = 1 + Below(4); count > 0; --count) mutations.push_back(Make());
    std::vector<MutationResult> of_memory = WriteTo(*memory_, mutations);
    std::vector<MutationResult> of_sqlite = WriteTo(*sqlite_, mutations);
    for (size_t i = 0; i < mutations.size(); ++i) {
      ASSERT_EQ(TextOf(of_sqlite[i]), TextOf(of_memory[i]));
    }
    Learn(WrittenBatch(mutations, of_memory));
    if (OneIn(10)) {
      ASSERT_EQ(sqlite_->Checkpoint(), absl::OkStatus());
    }
    if (Below(30) == 0) Reopen();
    now_ += absl::Seconds(Below(40) == 0 ? 86400 * Below(5) : Below(20));
  }

  void Compare() { ASSERT_EQ(Everything(*sqlite_), Everything(*memory_)); }

 private:
  void Reopen() {
    sqlite_.reset();
    SqliteOptions options;
    options.path = folder_.File("latchwire.db");
    auto store = OpenSqliteStore(options);
    ASSERT_EQ(store.status(), absl::OkStatus());
    sqlite_ = *std::move(store);
  }

  int Below(int bound) { return static_cast<int>(random_.NextUint64() % bound); }
  bool OneIn(int n) { return Below(n) == 0; }
  TenantId AnyTenant() { return 1 + Below(2); }
  WebhookKey AnyWebhook() {
    if (webhooks_.empty() || OneIn(20)) return {AnyTenant(), 1 + Below(12)};
    return webhooks_[Below(static_cast<int>(webhooks_.size()))].key;
  }
  DeliveryKey AnyDelivery() {
    if (deliveries_.empty() || OneIn(20)) return {AnyWebhook(), 1 + Below(200)};
    return deliveries_[Below(static_cast<int>(deliveries_.size()))];
  }

  Mutation Make() {
    const int choice = Below(100);
    if (choice < 15) return MakePublished();
    if (choice < 30) return MakeFromAgent();
    if (choice < 65) return MakeOutcomes();
    if (choice < 72) {
      RetryDelivery retry;
      retry.key = AnyDelivery();
      retry.now = now_;
      return retry;
    }
    if (choice < 78) return MakeStream();
    if (choice < 80) {
      RecordDropped dropped;
      dropped.tenant = 1;
      dropped.stream = AnyStream();
      dropped.lane = Below(2);
      dropped.from = cursors_ + Below(3);
      dropped.to = dropped.from + Below(3);
      dropped.now = now_;
      return dropped;
    }
    if (choice < 84) return MakeWebhookMutation();
    if (choice < 85) {
      ExpireDeliveries expire;
      expire.now = now_;
      expire.limit = 100000;  // deliveries of deleted webhooks count in SQLite only
      return expire;
    }
    if (choice < 86) {
      PurgeDeleted purge;
      purge.limit = 100000;  // how far a smaller step gets is each driver's own
      return purge;
    }
    if (choice < 89) {
      AcquireLeases acquire;
      acquire.owner = absl::StrCat("owner-", Below(2));
      acquire.now = now_;
      acquire.duration = absl::Seconds(Below(40));
      return acquire;
    }
    if (choice < 90) {
      ReleaseLeases release;
      release.owner = absl::StrCat("owner-", Below(2));
      return release;
    }
    if (choice < 95) {
      CreateApiKey create;
      create.key.tenant = AnyTenant();
      create.key.id = absl::StrCat("key-", Below(5));
      create.key.create_time = now_;
      return create;
    }
    DeleteApiKey del;
    del.tenant = AnyTenant();
    del.id = absl::StrCat("key-", Below(5));
    return del;
  }

  NewEvent MakeEvent(TenantId tenant, bool deduplicate, int64_t max_pending) {
    NewEvent incoming;
    incoming.event = std::make_shared<Event>();
    Event& event = *incoming.event;
    incoming.deduplicate = deduplicate;
    event.id =
        deduplicate ? absl::StrCat("id-", Below(kIds)) : absl::StrCat("server-id-", ++made_ids_);
    event.type = absl::StrCat("type-", Below(2));
    event.source = absl::StrCat("panel-", Below(2));
    event.subject = absl::StrCat("door-", Below(3));
    event.data = std::string(Below(3) == 0 ? 6000 : 5, '7');
    event.receive_time = now_;
    event.priority = Below(10);
    if (OneIn(2)) event.attributes["a"] = absl::StrCat(Below(2));
    for (const Webhook& webhook : webhooks_) {
      if (webhook.key.tenant != tenant || OneIn(3)) continue;
      DeliveryTarget& target = incoming.targets.emplace_back();
      target.webhook_uid = webhook.key.uid;
      if (webhook.ordering == WebhookOrdering::kBySubject) {
        target.order_key = OrderKeyOf(event.source, event.subject);
      }
      if (OneIn(4)) target.expire_time = now_ + absl::Seconds(Below(60));
      // By the webhook, as a server has it; the limit may change.
      if (webhook.key.uid % 2 == 0) {
        target.overflow = static_cast<OverflowPolicy>(1 + webhook.key.uid / 2 % 3);
        target.max_pending = max_pending;
      }
    }
    return incoming;
  }
  void Fill(TenantId tenant, MatchedEvents* append) {
    append->tenant = tenant;
    append->generation = generations_[tenant] - (OneIn(20) ? 1 : 0);
    append->now = now_;
    if (OneIn(20)) append->max_stored_bytes = 1000 * Below(1000);
  }

  AppendPublished MakePublished(std::optional<TenantId> tenant = std::nullopt) {
    AppendPublished append;
    Fill(tenant.value_or(AnyTenant()), &append);
    const int64_t max_pending = 1 + Below(8);
    for (int count = Below(5); count > 0; --count) {
      append.events.push_back(MakeEvent(append.tenant, OneIn(2), max_pending));
    }
    return append;
  }

  AppendFromAgent MakeFromAgent() {
    AppendFromAgent append;
    Fill(1, &append);
    append.stream = AnyStream();
    append.lane = Below(2);
    append.first_sequence = cursors_ + Below(3);
    const int64_t max_pending = 1 + Below(8);
    uint64_t sequence = append.first_sequence;
    for (int count = Below(5); count > 0; --count) {
      append.events.push_back(MakeEvent(1, false, max_pending));
      append.sequences.push_back({sequence, static_cast<uint32_t>(sequence + Below(10) / 9)});
      sequence += 1 + Below(5) / 4;
    }
    append.last_sequence = sequence > 0 ? sequence - 1 : 0;
    return append;
  }

  RecordOutcomes MakeOutcomes() {
    RecordOutcomes record;
    for (int count = 1 + Below(4); count > 0; --count) {
      DeliveryOutcome& outcome = record.outcomes.emplace_back();
      outcome.key = AnyDelivery();
      outcome.state = static_cast<DeliveryState>(Below(4));
      if (OneIn(2)) outcome.state = DeliveryState::kSucceeded;
      outcome.due_time = now_ + absl::Seconds(Below(30));
      outcome.failure_count = Below(5);
      outcome.attempt.number = OneIn(6) ? 0 : 1 + Below(4);
      outcome.attempt.start_time = now_;
      outcome.attempt.duration = absl::Milliseconds(Below(1000));
      outcome.attempt.http_status = 200 + Below(3);
      outcome.attempt.error = OneIn(3) ? "TIMEOUT" : "";
      outcome.attempt.response_body = std::string(Below(20), 'b');
      outcome.fence = fences_[PartitionOf(outcome.key.webhook)] + (OneIn(60) ? 1 : 0);
    }
    if (OneIn(3)) record.operational = {MakePublished(AnyTenant())};
    return record;
  }

  AgentStream AnyStream() {
    if (streams_.empty()) return {"agent-0", 1, 1};
    AgentStream stream = streams_[Below(static_cast<int>(streams_.size()))];
    return stream;
  }
  OpenAgentStream MakeStream() {
    OpenAgentStream open;
    open.tenant = 1;
    open.agent = absl::StrCat("agent-", Below(2));
    open.epoch = 1 + Below(2);
    open.now = now_;
    return open;
  }

  Mutation MakeWebhookMutation() {
    const int choice = Below(6);
    if (choice < 3 || webhooks_.empty()) {
      CreateWebhook create;
      create.webhook.key.tenant = AnyTenant();
      create.webhook.id = absl::StrCat("webhook-", Below(12));
      create.webhook.ordering = OneIn(2) ? WebhookOrdering::kBySubject : WebhookOrdering::kNone;
      create.webhook.create_time = now_;
      if (OneIn(4)) create.max_webhooks = 3;
      return create;
    }
    if (choice < 5) {
      UpdateWebhook update;
      update.webhook = webhooks_[Below(static_cast<int>(webhooks_.size()))];
      update.webhook.url = absl::StrCat("https://example.com/", Below(100));
      update.webhook.state = OneIn(2) ? WebhookState::kActive : WebhookState::kPaused;
      if (OneIn(4)) ++update.webhook.revision;
      if (OneIn(3)) update.operational = {MakePublished(update.webhook.key.tenant)};
      return update;
    }
    DeleteWebhook del;
    del.key = AnyWebhook();
    del.revision = Below(2);
    return del;
  }

  // What later mutations are made of.
  void Learn(const WrittenBatch& batch) {
    batch.ForEach(Visitor{
        [this](const AcquireLeases&, const AcquireLeases::Result& acquired) {
          for (int i = 0; i < kPartitionCount; ++i) {
            if (acquired.fences[i] != 0) fences_[i] = acquired.fences[i];
          }
        },
        [this](const OpenAgentStream& open, const OpenAgentStream::Result& opened) {
          streams_.push_back({open.agent, open.epoch, opened.fence});
          if (streams_.size() > 3) streams_.erase(streams_.begin());
          cursors_ = std::max(cursors_, opened.through[0]);
        },
        [this](const AppendFromAgent& append, const AppendFromAgent::Result&) {
          cursors_ = append.last_sequence;
        },
    });
    batch.ForEachAppend([this](const MatchedEvents& append, const AppendResult& result, bool) {
      for (size_t i = 0; i < append.events.size(); ++i) {
        if (result.events[i].kind != AppendResult::Kind::kStored) continue;
        for (const DeliveryTarget& target : append.events[i].targets) {
          deliveries_.push_back({{append.tenant, target.webhook_uid}, result.events[i].number});
        }
      }
      if (deliveries_.size() > 60) deliveries_.erase(deliveries_.begin(), deliveries_.end() - 60);
    });
    webhooks_ = *memory_->LoadWebhooks({}, 1000);
    const auto tenants = memory_->LoadTenants();
    for (const Tenant& tenant : *tenants) generations_[tenant.id] = tenant.generation;
  }

  static void Add(std::string* text, const DueDeliveries& due) {
    std::vector<std::string> lines;
    for (const PendingDelivery& pending : due.deliveries) {
      lines.push_back(
          absl::StrCat("  ", Describe(pending.delivery), " ", Describe(*pending.event), "\n"));
    }
    std::sort(lines.begin(), lines.end());
    absl::StrAppend(text, absl::StrJoin(lines, ""), "  more ", due.more, " next ",
                    absl::FormatTime(due.next_due), "\n");
  }

  std::string Everything(Store& store) {
    std::string text;
    const auto tenants = store.LoadTenants();
    for (const Tenant& tenant : *tenants) {
      absl::StrAppend(&text, "tenant ", tenant.id, " ", tenant.generation, " ", tenant.stored_bytes,
                      " ", tenant.stored_events, "\n");
      DeliveryCursor after;
      do {
        const auto page = store.ListDeliveries(tenant.id, {}, after, 50);
        for (const PendingDelivery& each : page->deliveries) {
          absl::StrAppend(&text, Describe(each.delivery), " ", Describe(*each.event), "\n");
          const auto attempts = store.ListAttempts(each.delivery.key, 0, 100);
          for (const Attempt& attempt : *attempts) {
            absl::StrAppend(&text, "  ", Describe(attempt), "\n");
          }
        }
        after = page->next;
      } while (after);
      for (int i = 0; i < kIds; ++i) {
        const std::string id = absl::StrCat("id-", i);
        absl::StrAppend(&text, id, " ", store.FindEvent(tenant.id, id).value_or(0), "\n");
      }
      const auto page = store.ListEvents(tenant.id, {}, 0, 1000);
      for (const Event& event : page->events) absl::StrAppend(&text, Describe(event), "\n");
    }
    for (int64_t tenant = 1; tenant <= 2; ++tenant) {
      for (int64_t uid = 1; uid <= 30; ++uid) {
        absl::StrAppend(&text, "due of ", tenant, "/", uid, "\n");
        Add(&text, *store.LoadDue({tenant, uid}, now_, 1000, {1, 2, 3}));
        Add(&text, *store.LoadDue({tenant, uid}, now_, 5, {}));
        Add(&text, *store.LoadHeads({tenant, uid}, now_, 1000, {OrderKeyOf("panel-1", "door-1")}));
      }
    }
    const auto stats = store.LoadStats({}, 1000);
    for (const WebhookStats& each : *stats) text += Text(each);
    const auto webhooks = store.LoadWebhooks({}, 1000);
    std::set<WebhookKey> ordered;
    for (const Webhook& webhook : *webhooks) {
      absl::StrAppend(&text, Describe(webhook), "\n");
      if (webhook.ordering == WebhookOrdering::kBySubject) ordered.insert(webhook.key);
    }
    const auto all_work = store.LoadWork({}, 1000);
    for (const WebhookWork& work : *all_work) {
      absl::StrAppend(&text, "work ", work.webhook.tenant, "/", work.webhook.uid, " ",
                      ordered.contains(work.webhook) ? "" : absl::FormatTime(work.first_due), "\n");
    }
    const auto keys = store.LoadApiKeys();
    for (const ApiKey& key : *keys) absl::StrAppend(&text, Describe(key), "\n");
    return text;
  }

  SeededRandom random_;
  const TemporaryFolder folder_;
  const std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  const std::unique_ptr<Store> memory_;
  std::unique_ptr<Store> sqlite_;
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);
  int made_ids_ = 0;
  std::vector<Webhook> webhooks_;
  std::vector<DeliveryKey> deliveries_;
  std::vector<AgentStream> streams_;
  uint64_t cursors_ = 0;
  std::map<TenantId, int64_t> generations_;
  std::array<int64_t, kPartitionCount> fences_{};
};

class SqliteModelTest : public testing::TestWithParam<uint64_t> {};

TEST_P(SqliteModelTest, DoesWhatTheMapsDo) {
  Model model(GetParam());
  for (int step = 1; step <= 300; ++step) {
    ASSERT_NO_FATAL_FAILURE(model.Step()) << "step " << step;
    if (step % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(model.Compare()) << "step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SqliteModelTest, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace latchwire
