#include "server/delivery/testing/part_world.h"

#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "server/state/match_targets.h"

namespace latchwire {

bool HeldReads::Submit(Read read) {
  reads_.push_back(std::move(read));
  return true;
}

void HeldReads::Run() {
  Read read = std::move(reads_.front());
  reads_.pop_front();
  read(*store_);
}

PartWorld::PartWorld(WebhookTable::Limits limits)
    : clock(absl::FromUnixSeconds(1'700'000'000)),
      leases(&executor, &clock, &writer, "server", absl::Seconds(30),
             [this](const LeaseKeeper::Partitions& lost, bool gained) {
               lease_changes.emplace_back(lost, gained);
             }),
      work(&executor, &reads,
           [this](absl::Span<const WebhookWork> page) { found_pages.push_back(page.size()); }),
      webhooks({&clock, &configuration, &stats, &leases, &work, &counters}, limits) {
  ABSL_ASSERT(configuration.Load(store.get()).ok());
  ABSL_ASSERT(stats.Load(store.get()).ok());
  writer.AddObserver(&configuration);
  writer.AddObserver(&stats);
  writer.SetWake([this] {
    executor.Post([this] {
      while (writer.Step()) {
      }
    });
  });
}

void PartWorld::OwnEverything() {
  leases.Start();
  executor.RunFor(absl::ZeroDuration());
  work.Start();
  while (!work.complete()) {
    reads.Run();
    executor.RunFor(absl::ZeroDuration());
  }
}

WebhookKey PartWorld::CreateWebhook(Webhook webhook) {
  webhook.key.tenant = kDefaultTenant;
  webhook.id = Uuid::MakeV7(clock.Now(), &random).ToString();
  webhook.url = "http://receiver.test/hook";
  webhook.secrets = {{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}};
  return Write(latchwire::CreateWebhook{std::move(webhook)}).webhook->key;
}

void PartWorld::StoreDeliveries(WebhookKey webhook, int count) {
  AppendPublished append;
  append.tenant = webhook.tenant;
  append.now = clock.Now();
  for (int i = 0; i < count; ++i) {
    auto event = std::make_shared<Event>();
    event->id = Uuid::MakeV7(clock.Now(), &random).ToString();
    event->type = "door.opened";
    event->subject = "door-1";
    event->data = "{}";
    append.events.emplace_back().event = std::move(event);
  }
  MatchTargets(configuration, &append);
  Write(std::move(append));
}

PendingDelivery PartWorld::Pending(WebhookKey webhook, int64_t number) const {
  PendingDelivery pending;
  auto event = std::make_shared<Event>();
  event->id = absl::StrCat("event-", number);
  event->number = number;
  event->type = "door.opened";
  event->data = "{}";
  pending.event = std::move(event);
  pending.delivery.key = {webhook, number};
  pending.delivery.create_time = pending.delivery.due_time = clock.Now();
  return pending;
}

}  // namespace latchwire
