#include "server/store/testing/conformance.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/crypto.h"

namespace latchwire {
namespace {

std::string Text(absl::string_view bytes) { return absl::StrCat("'", absl::CEscape(bytes), "'"); }
std::string Text(const std::map<std::string, std::string>& map) {
  return absl::StrCat("{", absl::StrJoin(map, ",", absl::PairFormatter("=")), "}");
}
std::string Text(absl::Time time) {
  if (time == absl::InfinitePast()) return "past";
  if (time == absl::InfiniteFuture()) return "future";
  return absl::StrCat(absl::ToUnixMicros(time));
}

}  // namespace

std::vector<MutationResult> WriteTo(Store& store, const std::vector<Mutation>& mutations) {
  std::vector<MutationResult> results(mutations.size());
  EXPECT_EQ(store.Write(mutations, absl::MakeSpan(results)), absl::OkStatus());
  return results;
}

int64_t StoreConformanceTest::GenerationOf(TenantId tenant) {
  const auto tenants = store().LoadTenants();
  EXPECT_EQ(tenants.status(), absl::OkStatus());
  for (const Tenant& each : *tenants) {
    if (each.id == tenant) return each.generation;
  }
  return 0;
}

Webhook StoreConformanceTest::SampleWebhook(TenantId tenant) {
  Webhook webhook;
  webhook.key.tenant = tenant;
  webhook.id = absl::StrFormat("0190a000-0000-7000-9000-%012d", ++made_ids_);
  webhook.display_name = "Alarm desk \xc3\xa9";
  webhook.url = "https://example.com/hook?a=%20";
  webhook.any_of = {{"door.*", "panel-1", ""}, {"", "", "door-2"}};
  webhook.headers = {{"x-one", "1"}, {"x-two", ""}};
  webhook.secrets = {{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", absl::FromUnixMicros(1'000'003)},
                     {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", absl::FromUnixMicros(1'000'002),
                      absl::FromUnixMicros(90'000'001)}};
  webhook.timeout = absl::Milliseconds(7500);
  webhook.retry_policy.delays = {absl::Seconds(5), absl::Minutes(5)};
  webhook.retry_policy.exponential =
      ExponentialRetry{absl::Milliseconds(1500), 1.1, absl::Hours(7), 12};
  webhook.retry_policy.total_window = absl::Hours(20);
  webhook.max_in_flight = 3;
  webhook.rate_limit = {0.3, 17};
  webhook.circuit_breaker = {7, absl::Milliseconds(250), absl::Hours(3)};
  webhook.auto_suspend = {9, absl::Hours(70)};
  webhook.max_pending = 1'000'000'007;
  webhook.overflow = OverflowPolicy::kDropOldest;
  webhook.tls = std::make_shared<TlsProfile>(TlsProfile{"authorities", "certificate", "key"});
  webhook.max_event_age = absl::Hours(30);
  webhook.annotations = {{"dialect.name", "x"}};
  webhook.state = WebhookState::kPaused;
  webhook.state_reason = "by hand";
  webhook.state_time = now_ + absl::Microseconds(1);
  webhook.create_time = now_ + absl::Microseconds(2);
  webhook.update_time = now_ + absl::Microseconds(3);
  return webhook;
}

WebhookKey StoreConformanceTest::MakeWebhook(WebhookOrdering ordering, TenantId tenant) {
  Webhook webhook = SampleWebhook(tenant);
  webhook.ordering = ordering;
  webhook.state = WebhookState::kActive;
  const auto created = Apply(CreateWebhook{webhook});
  EXPECT_EQ(created.status, absl::OkStatus());
  return created.webhook->key;
}

std::shared_ptr<Event> StoreConformanceTest::MakeEvent(const EventSpec& spec) {
  auto event = std::make_shared<Event>();
  event->id =
      spec.id.empty() ? absl::StrFormat("0190a000-0000-7000-8000-%012d", ++made_ids_) : spec.id;
  event->type = spec.type;
  event->source = spec.source;
  event->subject = spec.subject;
  event->data = spec.data;
  event->receive_time = now_;
  return event;
}

AppendPublished StoreConformanceTest::Publishing(const std::vector<EventSpec>& specs,
                                                 const std::vector<WebhookKey>& webhooks,
                                                 TenantId tenant) {
  AppendPublished append;
  append.tenant = tenant;
  append.generation = GenerationOf(tenant);
  append.now = now_;
  std::map<WebhookKey, WebhookOrdering> ordering;
  const auto loaded = store().LoadWebhooks({tenant, 0}, 10000);
  EXPECT_EQ(loaded.status(), absl::OkStatus());
  for (const Webhook& webhook : *loaded) ordering[webhook.key] = webhook.ordering;
  for (const EventSpec& spec : specs) {
    NewEvent& incoming = append.events.emplace_back();
    incoming.event = MakeEvent(spec);
    incoming.deduplicate = !spec.id.empty();
    for (const WebhookKey& webhook : webhooks) {
      DeliveryTarget& target = incoming.targets.emplace_back();
      target.webhook_uid = webhook.uid;
      if (ordering[webhook] == WebhookOrdering::kBySubject) {
        target.order_key = OrderKeyOf(spec.source, spec.subject);
      }
    }
  }
  return append;
}

std::vector<int64_t> StoreConformanceTest::Publish(const std::vector<EventSpec>& specs,
                                                   const std::vector<WebhookKey>& webhooks,
                                                   TenantId tenant) {
  const auto append = Apply(Publishing(specs, webhooks, tenant));
  EXPECT_EQ(append.status, absl::OkStatus());
  std::vector<int64_t> numbers;
  for (const AppendResult::OfEvent& event : append.events) numbers.push_back(event.number);
  return numbers;
}

AppendFromAgent StoreConformanceTest::Streaming(const AgentStream& stream, int lane,
                                                const std::vector<uint64_t>& sequences) {
  AppendFromAgent append;
  static_cast<MatchedEvents&>(append) = Publishing(std::vector<EventSpec>(sequences.size()));
  append.stream = stream;
  append.lane = lane;
  for (const uint64_t sequence : sequences) {
    append.sequences.push_back({sequence, static_cast<uint32_t>(sequence * 10)});
  }
  if (!sequences.empty()) {
    append.first_sequence = sequences.front();
    append.last_sequence = sequences.back();
  }
  return append;
}

AgentStream StoreConformanceTest::OpenStream(const std::string& agent, uint64_t epoch) {
  OpenAgentStream open;
  open.tenant = kDefaultTenant;
  open.agent = agent;
  open.epoch = epoch;
  open.now = now_;
  const auto opened = Apply(open);
  EXPECT_EQ(opened.status, absl::OkStatus());
  return {agent, epoch, opened.fence};
}

int64_t StoreConformanceTest::FenceOf(WebhookKey webhook) {
  if (fences_[0] == 0) {
    const auto acquired = Apply(AcquireLeases{"test", now_, absl::Hours(1000)});
    EXPECT_EQ(acquired.status, absl::OkStatus());
    fences_ = acquired.fences;
  }
  return fences_[PartitionOf(webhook)];
}

DeliveryOutcome StoreConformanceTest::OutcomeOf(DeliveryKey key, int attempt, DeliveryState state,
                                                absl::Duration until_due) {
  DeliveryOutcome outcome;
  outcome.key = key;
  outcome.state = state;
  outcome.due_time = now_ + until_due;
  outcome.failure_count = state == DeliveryState::kSucceeded ? attempt - 1 : attempt;
  outcome.fence = FenceOf(key.webhook);
  outcome.attempt.number = attempt;
  if (attempt > 0) {
    outcome.attempt.start_time = now_ + absl::Microseconds(attempt);
    outcome.attempt.duration = absl::Microseconds(1500 + attempt);
    outcome.attempt.http_status = state == DeliveryState::kSucceeded ? 204 : 500 + attempt;
    outcome.attempt.error_detail = absl::StrCat("detail ", attempt);
    outcome.attempt.response_body = std::string("\0body ", 6) + std::to_string(attempt);
  }
  return outcome;
}

RecordOutcomes::Recorded StoreConformanceTest::Record(const DeliveryOutcome& outcome) {
  const auto recorded = Apply(RecordOutcomes{{outcome}});
  EXPECT_EQ(recorded.status, absl::OkStatus());
  return recorded.status.ok() ? recorded.outcomes[0] : RecordOutcomes::Recorded::kGone;
}

Delivery StoreConformanceTest::DeliveryAt(DeliveryKey key) {
  const auto delivery = store().GetDelivery(key);
  EXPECT_EQ(delivery.status(), absl::OkStatus());
  return delivery.ok() ? delivery->delivery : Delivery();
}

std::vector<int64_t> StoreConformanceTest::DueNumbers(WebhookKey webhook, int limit) {
  const auto due = store().LoadDue(webhook, now_, limit, {});
  EXPECT_EQ(due.status(), absl::OkStatus());
  std::vector<int64_t> numbers;
  if (!due.ok()) return numbers;
  for (const PendingDelivery& pending : due->deliveries) {
    numbers.push_back(pending.delivery.key.event_number);
  }
  return numbers;
}

std::string Describe(const Event& event) {
  return absl::StrCat(event.id, " #", event.number, " ", Text(event.type), " ",
                      Text(event.canonical_type), " ", Text(event.source), " ", Text(event.subject),
                      " ", Text(event.attributes), " ", Text(event.occur_time), " ",
                      Text(event.receive_time), " ", event.priority, " ", Text(event.expire_time),
                      " ", event.is_json, " ", Text(event.data), " ", Text(event.content_type));
}

std::string Describe(const Webhook& webhook) {
  std::string text = absl::StrCat(
      webhook.key.tenant, "/", webhook.key.uid, " ", webhook.id, " ", Text(webhook.display_name),
      " ", Text(webhook.url), " format ", static_cast<int>(webhook.format), " headers ",
      Text(webhook.headers), " ", absl::FormatDuration(webhook.timeout), " ordering ",
      static_cast<int>(webhook.ordering), " in flight ", webhook.max_in_flight, " age ",
      absl::FormatDuration(webhook.max_event_age), " ", Text(webhook.annotations));
  for (const WebhookSecret& secret : webhook.secrets) {
    absl::StrAppend(&text, " secret ", secret.value, " ", Text(secret.create_time), " to ",
                    Text(secret.expire_time));
  }
  absl::StrAppend(&text, " state ", static_cast<int>(webhook.state), " ",
                  Text(webhook.state_reason), " ", Text(webhook.state_time), " ",
                  Text(webhook.create_time), " ", Text(webhook.update_time), " revision ",
                  webhook.revision);
  for (const EventMatch& match : webhook.any_of) {
    absl::StrAppend(&text, " match ", Text(match.type_pattern), Text(match.source),
                    Text(match.subject));
  }
  for (const absl::Duration delay : webhook.retry_policy.delays) {
    absl::StrAppend(&text, " delay ", absl::FormatDuration(delay));
  }
  const RetryPolicy& retry = webhook.retry_policy;
  if (retry.exponential.has_value()) {
    absl::StrAppend(&text, " first ", absl::FormatDuration(retry.exponential->first_delay), " x ",
                    retry.exponential->factor, " max ",
                    absl::FormatDuration(retry.exponential->max_delay), " attempts ",
                    retry.exponential->max_attempts);
  }
  absl::StrAppend(&text, " window ", absl::FormatDuration(retry.total_window), " guarantee ",
                  static_cast<int>(webhook.guarantee), " rate ", webhook.rate_limit.attempts_per_s,
                  " burst ", webhook.rate_limit.burst, " breaker ",
                  webhook.circuit_breaker.failure_threshold, " ",
                  absl::FormatDuration(webhook.circuit_breaker.open_time), " ",
                  absl::FormatDuration(webhook.circuit_breaker.max_open_time));
  absl::StrAppend(&text, " suspend ", webhook.auto_suspend.failure_count, " ",
                  absl::FormatDuration(webhook.auto_suspend.failure_span), " max pending ",
                  webhook.max_pending, " overflow ", static_cast<int>(webhook.overflow));
  if (webhook.tls != nullptr) {
    absl::StrAppend(&text, " tls ", Text(webhook.tls->ca_pem), Text(webhook.tls->certificate_pem),
                    Text(webhook.tls->private_key_pem));
  }
  return text;
}

std::string Describe(const Delivery& delivery) {
  return absl::StrCat(
      delivery.key.webhook.tenant, "/", delivery.key.webhook.uid, "-", delivery.key.event_number,
      " state ", static_cast<int>(delivery.state), " attempts ", delivery.attempt_count,
      " failures ", delivery.failure_count, " created ", Text(delivery.create_time), " retried ",
      Text(delivery.retry_time), " due ", Text(delivery.due_time), " expires ",
      Text(delivery.expire_time), " priority ", delivery.priority, " lane ",
      Text(delivery.order_key), " last ", delivery.last_http_status, " ", delivery.last_error);
}

std::string Describe(const Attempt& attempt) {
  return absl::StrCat(attempt.number, " ", Text(attempt.start_time), " ",
                      absl::FormatDuration(attempt.duration), " ", attempt.http_status, " ",
                      attempt.error, " ", Text(attempt.error_detail), " ",
                      Text(attempt.response_body));
}

std::string Describe(const ApiKey& key) {
  return absl::StrCat(key.tenant, " ", key.id, " ", absl::BytesToHexString(key.secret_hash), " ",
                      static_cast<int>(key.role), " ", Text(key.agent), " ", Text(key.display_name),
                      " ", Text(key.create_time));
}

std::string Describe(const Tenant& tenant) {
  const TenantSettings& settings = tenant.settings;
  return absl::StrCat(tenant.id, " generation ", tenant.generation, " revision ", tenant.revision,
                      " ", Text(settings.display_name), " keeps ",
                      absl::FormatDuration(settings.event_retention), " held ",
                      absl::FormatDuration(settings.max_held_time), " quotas ",
                      settings.quotas.max_events_per_s, " ", settings.quotas.max_stored_bytes, " ",
                      settings.quotas.max_webhooks, " created ", Text(tenant.create_time),
                      " stored ", tenant.stored_bytes, " ", tenant.stored_events);
}

std::string Describe(const RecoveryJob& job) {
  std::string text = absl::StrCat(
      job.tenant, "/", job.number, " ", job.id, " webhook ", job.webhook_uid, " from ",
      Text(job.created_from), " before ", Text(job.created_before), " match ",
      Text(job.event_match.type_pattern), Text(job.event_match.source),
      Text(job.event_match.subject), " state ", static_cast<int>(job.state), " examined ",
      job.examined_count, " recovered ", job.recovered_count, " created ", Text(job.create_time));
  absl::StrAppend(&text, " ended ", Text(job.end_time), " at ", job.next_uid, "-", job.next_number,
                  " to ", job.last_number, " states");
  for (const DeliveryState state : job.states) absl::StrAppend(&text, " ", static_cast<int>(state));
  return text;
}

}  // namespace latchwire
