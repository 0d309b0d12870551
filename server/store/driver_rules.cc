#include "server/store/driver_rules.h"

#include "absl/strings/str_cat.h"
#include "core/domain/error.h"

namespace latchwire {
namespace {

// The occur_time that the sender gave, if it did.
absl::Time GivenOccurTime(const Event& event) {
  const absl::Time time = ToStoredTime(event.occur_time);
  return time == ToStoredTime(event.receive_time) ? absl::InfinitePast() : time;
}

absl::string_view StateName(DeliveryState state) {
  switch (state) {
    case DeliveryState::kPending:
      return "PENDING";
    case DeliveryState::kSucceeded:
      return "SUCCEEDED";
    case DeliveryState::kDead:
      return "DEAD";
    case DeliveryState::kExpired:
      return "EXPIRED";
  }
  return "UNKNOWN";
}

struct ResetResults {
  void operator()(AppendEvents& append) const {
    for (NewEvent& event : append.events) {
      event.result = NewEvent::Result::kNotStored;
      event.event->number = 0;
    }
  }
  void operator()(RecordOutcomes& record) const {
    for (DeliveryOutcome& outcome : record.outcomes) {
      outcome.result = DeliveryOutcome::Result::kNotRecorded;
    }
  }
  void operator()(OpenAgentStream& open) const {
    open.fence = 0;
    open.through = {};
  }
  void operator()(RetryDelivery& retry) const { retry.delivery = Delivery(); }
  void operator()(CreateWebhook& create) const {
    create.webhook.key.uid = 0;
    create.webhook.revision = 0;
    create.generation = 0;
  }
  void operator()(UpdateWebhook& update) const {
    if (update.generation != 0) --update.webhook.revision;  // it was applied and taken back
    update.generation = 0;
  }
  void operator()(DeleteWebhook& del) const { del.generation = 0; }
  void operator()(PurgeDeleted& purge) const { purge.more = false; }
  void operator()(AcquireLeases& acquire) const { acquire.fences = {}; }
  template <typename Other>
  void operator()(Other&) const {}
};

}  // namespace

int64_t IdDay(absl::Time now) {
  return absl::ToInt64Hours(absl::Floor(now - absl::UnixEpoch(), absl::Hours(24))) / 24;
}

absl::Time ToStoredTime(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return time;
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::Duration ToStoredDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration() || duration == -absl::InfiniteDuration()) {
    return duration;
  }
  return absl::Floor(duration, absl::Microseconds(1));
}

bool SameContent(const Event& a, const Event& b) {
  return a.type == b.type && a.canonical_type == b.canonical_type && a.source == b.source &&
         a.subject == b.subject && a.attributes == b.attributes && a.is_json == b.is_json &&
         a.data == b.data && EffectiveContentType(a) == EffectiveContentType(b) &&
         GivenOccurTime(a) == GivenOccurTime(b);
}

void FailMutation(const absl::Status& status, Mutation* mutation) {
  std::visit(ResetResults(), *mutation);
  StatusOf(*mutation) = status;
}

absl::Status StaleGenerationError(int64_t current) {
  return MakeError(absl::StatusCode::kAborted, "STALE_GENERATION",
                   "the webhooks have changed since the events were matched",
                   {{"current", absl::StrCat(current)}});
}

absl::Status FencedError(int partition) {
  return MakeError(absl::StatusCode::kAborted, "FENCED",
                   absl::StrCat("partition ", partition, " has another lease by now"),
                   {{"partition", absl::StrCat(partition)}});
}

absl::Status AgentStreamFencedError(absl::string_view agent) {
  return MakeError(absl::StatusCode::kAborted, "AGENT_STREAM_FENCED",
                   absl::StrCat("a newer stream of agent ", agent, " has taken over"));
}

absl::Status SequenceGapError(int lane, uint64_t expected) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SEQUENCE_GAP",
                   absl::StrCat("lane ", lane, " expects sequence ", expected),
                   {{"lane", absl::StrCat(lane)}, {"expected", absl::StrCat(expected)}});
}

absl::Status SequenceConflictError(int lane, uint64_t sequence) {
  return MakeError(absl::StatusCode::kAborted, "SEQUENCE_CONFLICT",
                   absl::StrCat("sequence ", sequence, " of lane ", lane,
                                " was stored before with another checksum"),
                   {{"lane", absl::StrCat(lane)}, {"sequence", absl::StrCat(sequence)}});
}

absl::Status SequenceOrderError(int lane, uint64_t sequence) {
  return MakeError(
      absl::StatusCode::kInternal, "INTERNAL",
      absl::StrCat("sequence ", sequence, " of lane ", lane, " does not ascend in its batch"));
}

absl::Status EventIdConflictError(absl::string_view id) {
  return MakeError(absl::StatusCode::kAlreadyExists, "EVENT_ID_CONFLICT",
                   absl::StrCat("event ", id, " was published before with other content"),
                   {{"event", std::string(id)}});
}

absl::Status EventNotFoundError(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, "EVENT_NOT_FOUND",
                   absl::StrCat("there is no event ", name), {{"name", std::string(name)}});
}

absl::Status WebhookExistsError(absl::string_view id) {
  return MakeError(absl::StatusCode::kAlreadyExists, "WEBHOOK_ALREADY_EXISTS",
                   absl::StrCat("webhook ", id, " exists"), {{"name", std::string(id)}});
}

absl::Status WebhookNotFoundError(WebhookKey key) {
  return MakeError(absl::StatusCode::kNotFound, "WEBHOOK_NOT_FOUND",
                   absl::StrCat("there is no webhook ", key.uid),
                   {{"name", absl::StrCat(key.uid)}});
}

absl::Status EtagMismatchError(int64_t current) {
  return MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                   absl::StrCat("the webhook has changed: its revision is ", current));
}

absl::Status DeliveryNotFoundError(DeliveryKey key) {
  const std::string name = absl::StrCat(key.webhook.uid, "-", key.event_number);
  return MakeError(absl::StatusCode::kNotFound, "DELIVERY_NOT_FOUND",
                   absl::StrCat("there is no delivery ", name), {{"name", name}});
}

absl::Status DeliveryStateError(DeliveryState state) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "DELIVERY_STATE",
                   absl::StrCat("the delivery's state is ", StateName(state)),
                   {{"state", std::string(StateName(state))}});
}

absl::Status ApiKeyExistsError() {
  return MakeError(absl::StatusCode::kInternal, "INTERNAL", "an API key with this id exists");
}

absl::Status ApiKeyNotFoundError(absl::string_view id) {
  return MakeError(absl::StatusCode::kNotFound, "API_KEY_NOT_FOUND",
                   absl::StrCat("there is no API key ", id), {{"name", std::string(id)}});
}

absl::Status StoreUnavailableError(absl::string_view cause) {
  return MakeError(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                   absl::StrCat("the store is unavailable: ", cause));
}

}  // namespace latchwire
