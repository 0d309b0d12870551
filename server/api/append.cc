#include "server/api/append.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace latchwire {
namespace {

void Submit(const ApiWorld* world, AppendEvents append, int rematches,
            absl::AnyInvocable<void(AppendEvents)> done) {
  MatchTargets(*world->catalog, &append);
  Write<AppendEvents>(world->writer, std::move(append),
                      [world, rematches, done = std::move(done)](AppendEvents result) mutable {
                        if (IsStale(result.status) && rematches < kMaxRematches) {
                          Submit(world, std::move(result), rematches + 1, std::move(done));
                          return;
                        }
                        if (IsStale(result.status)) {
                          result.status =
                              Overloaded("the number of webhook changes beside this call");
                        }
                        done(std::move(result));
                      });
}

}  // namespace

absl::Time ExpiryOf(const Event& event, const Webhook& webhook, absl::Time now) {
  if (webhook.max_event_age == absl::InfiniteDuration()) return event.expire_time;
  static const absl::Time kNoClockBefore =
      absl::FromCivil(absl::CivilYear(2020), absl::UTCTimeZone());
  const bool trusted = event.receive_time >= kNoClockBefore && event.receive_time <= now;
  const absl::Time received = trusted ? event.receive_time : now;
  return std::min(event.expire_time, received + webhook.max_event_age);
}

void MatchTargets(const Catalog& catalog, AppendEvents* append) {
  std::vector<std::shared_ptr<Event>> events;
  events.reserve(append->events.size());
  for (const NewEvent& event : append->events) events.push_back(event.event);
  const Catalog::Matched matched = catalog.Match(append->tenant, events);
  append->generation = matched.generation;
  for (size_t i = 0; i < events.size(); ++i) {
    std::vector<DeliveryTarget>& targets = append->events[i].targets;
    targets.clear();
    targets.reserve(matched.webhooks[i].size());
    for (const std::shared_ptr<const Webhook>& webhook : matched.webhooks[i]) {
      DeliveryTarget& target = targets.emplace_back();
      target.webhook_uid = webhook->key.uid;
      target.expire_time = ExpiryOf(*events[i], *webhook, append->now);
      if (webhook->ordering == WebhookOrdering::kBySubject) {
        target.lane = LaneOf(events[i]->source, events[i]->subject);
      }
    }
  }
}

bool IsStale(const absl::Status& status) {
  return status.code() == absl::StatusCode::kAborted && ReasonOf(status) == "STALE_GENERATION";
}

void Append(const ApiWorld& world, AppendEvents append,
            absl::AnyInvocable<void(AppendEvents)> done) {
  Submit(&world, std::move(append), 0, std::move(done));
}

}  // namespace latchwire
