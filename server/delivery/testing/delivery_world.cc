#include "server/delivery/testing/delivery_world.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/id.h"
#include "server/state/match_targets.h"

namespace latchwire {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
// As the API does.
constexpr int kMaxRematches = 20;
constexpr absl::string_view kSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

}  // namespace

bool SlowReads::Submit(Read read) {
  executor_->Post([this, read = std::move(read)]() mutable {
    reading_ = true;
    read(*store_);
    reading_ = false;
  });
  return true;
}

DeliveryWorld::Server::Server(DeliveryWorld* owner, int index, std::unique_ptr<Store> open_store,
                              EngineOptions options)
    : world(owner),
      store(std::move(open_store)),
      executor(&owner->executor_),
      transport(owner->transport_.get(), &executor,
                [owner, index] { owner->sending_server_ = index; }),
      writer(store.get(), WriterOptions{}),
      reads(store.get(), &executor, owner->options_.read_time),
      engine({&reads, &owner->clock_, &owner->random_, &writer, &reads, &configuration, &transport,
              &stats},
             std::move(options)) {
  ABSL_ASSERT(configuration.Load(store.get()).ok());
  ABSL_ASSERT(stats.Load(store.get()).ok());
  writer.AddObserver(&configuration);
  writer.AddObserver(&stats);
  writer.SetWake([this] { executor.PostAfter(world->options_.commit_time, [this] { Step(); }); });
  engine.Start();
  change_follower = std::make_shared<ChangeFollower>(
      &executor, &reads, &configuration, owner->options_.change_poll_interval,
      [this](std::vector<WebhookKey> webhooks) { engine.OnForeignWork(std::move(webhooks)); });
  writer.AddObserver(change_follower.get());
  change_follower->Start();
}

void DeliveryWorld::Server::Step() {
  if (!writer.Step()) return;
  executor.PostAfter(world->options_.commit_time, [this] { Step(); });
}

DeliveryWorld::DeliveryWorld(DeliveryWorldOptions options)
    : options_(std::move(options)),
      clock_(kStart),
      executor_(&clock_),
      random_(options_.seed),
      database_(MemoryDatabase::Make()),
      store_(NewMemoryStore(database_)),
      transport_(std::make_unique<FakeTransport>(&executor_)),
      servers_(options_.servers) {
  Start();
}

DeliveryWorld::~DeliveryWorld() {
  executor_.Clear();
  servers_.clear();
}

void DeliveryWorld::Crash(int server) { servers_.at(server).reset(); }

void DeliveryWorld::Start(int server) {
  std::unique_ptr<Store> store = NewMemoryStore(database_);
  if (options_.wrap_store) store = options_.wrap_store(server, std::move(store));
  EngineOptions engine = options_.engine;
  if (server > 0) absl::StrAppend(&engine.owner, "-", server);
  servers_.at(server) = std::make_unique<Server>(this, server, std::move(store), std::move(engine));
}

std::shared_ptr<const Webhook> DeliveryWorld::CreateWebhook(Webhook webhook) {
  webhook.key.tenant = kDefaultTenant;
  if (webhook.id.empty()) webhook.id = Uuid::MakeV7(clock_.Now(), &random_).ToString();
  if (webhook.url.empty()) webhook.url = "http://receiver.test/hook";
  if (webhook.secrets.empty()) webhook.secrets = {{std::string(kSecret), clock_.Now()}};
  webhook.create_time = webhook.update_time = webhook.state_time = clock_.Now();
  const auto created = Write(latchwire::CreateWebhook{std::move(webhook)});
  return created.ok() ? configuration().FindWebhook(created->webhook->key) : nullptr;
}

void DeliveryWorld::SetWebhookState(WebhookKey key, WebhookState state) {
  Webhook webhook = *configuration().FindWebhook(key);
  webhook.state = state;
  (void)Write(UpdateWebhook{std::move(webhook)});
}

void DeliveryWorld::DeleteWebhook(WebhookKey key) { (void)Write(latchwire::DeleteWebhook{key}); }

void DeliveryWorld::PublishAsync(Event event, absl::AnyInvocable<void(absl::Status, int64_t)> done,
                                 int server, int rematches) {
  if (event.id.empty()) event.id = Uuid::MakeV7(clock_.Now(), &random_).ToString();
  AppendPublished append;
  append.tenant = kDefaultTenant;
  append.now = clock_.Now();
  NewEvent& fresh = append.events.emplace_back();
  fresh.event = std::make_shared<Event>(event);
  MatchTargets(configuration(server), &append);
  writer(server).Submit(
      std::move(append), [this, server, rematches, event = std::move(event),
                          done = std::move(done)](const Written<AppendPublished>& written) mutable {
        const absl::Status& status = written.result.status();
        if (ReasonOf(status) == "STALE_GENERATION" && rematches < kMaxRematches) {
          return PublishAsync(std::move(event), std::move(done), server, rematches + 1);
        }
        done(status, status.ok() ? written.result->events[0].number : 0);
      });
}

int64_t DeliveryWorld::Publish(Event event) {
  std::optional<int64_t> result;
  PublishAsync(std::move(event), [&](const absl::Status& status, int64_t number) {
    result = status.ok() ? number : 0;
  });
  while (!result.has_value() && executor_.RunOne()) {
  }
  return result.value_or(0);
}

Delivery DeliveryWorld::GetDelivery(int64_t webhook_uid, int64_t event_number) {
  const auto found = store_->GetDelivery({{kDefaultTenant, webhook_uid}, event_number});
  return found.ok() ? found->delivery : Delivery{};
}

std::vector<Attempt> DeliveryWorld::ListAttempts(int64_t webhook_uid, int64_t event_number) {
  return store_->ListAttempts({{kDefaultTenant, webhook_uid}, event_number}, 0, 1000)
      .value_or(std::vector<Attempt>{});
}

Event TestEvent(absl::string_view subject, int n) {
  Event event;
  event.type = "door.opened";
  event.source = "panel";
  event.subject = std::string(subject);
  event.data = absl::StrCat("{\"n\":", n, "}");
  return event;
}

}  // namespace latchwire
