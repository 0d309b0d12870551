#include "core/domain/operational_event.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/http/url.h"
#include "core/json/json_string.h"

namespace latchwire {
namespace {

std::string NameOf(const Webhook& webhook) { return absl::StrCat("webhooks/", webhook.id); }

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string WebhookJson(const Webhook& webhook) {
  return absl::StrCat("{\"name\":", JsonQuote(NameOf(webhook)), ",\"uid\":", webhook.key.uid,
                      ",\"display_name\":", JsonQuote(webhook.display_name),
                      ",\"url\":", JsonQuote(MaskUrlQuery(webhook.url)), "}");
}

Event MakeEvent(absl::string_view type, const Webhook& webhook, std::string data, absl::Time now) {
  Event event;
  event.type = std::string(type);
  event.source = "latchwire";
  event.subject = NameOf(webhook);
  event.occur_time = now;
  event.receive_time = now;
  event.data = std::move(data);
  return event;
}

}  // namespace

Event WebhookSuspendedEvent(const Webhook& webhook, absl::string_view reason, absl::Time now) {
  return MakeEvent(kWebhookSuspendedType, webhook,
                   absl::StrCat("{\"webhook\":", WebhookJson(webhook), ",\"reason\":",
                                JsonQuote(reason), ",\"time\":", JsonQuote(TimeText(now)), "}"),
                   now);
}

Event DeliveryDeadEvent(const Webhook& webhook, const Delivery& delivery, const Event& event,
                        absl::Time now) {
  const std::string name =
      absl::StrCat("deliveries/", delivery.key.webhook.uid, "-", delivery.key.event_number);
  return MakeEvent(
      kDeliveryDeadType, webhook,
      absl::StrCat("{\"webhook\":", WebhookJson(webhook), ",\"delivery\":", JsonQuote(name),
                   ",\"event\":{\"id\":", JsonQuote(event.id), ",\"number\":", event.number,
                   ",\"type\":", JsonQuote(event.type), ",\"source\":", JsonQuote(event.source),
                   ",\"subject\":", JsonQuote(event.subject), "},\"attempt_count\":",
                   delivery.attempt_count, ",\"last_http_status\":", delivery.last_http_status,
                   ",\"last_error\":", JsonQuote(delivery.last_error),
                   ",\"time\":", JsonQuote(TimeText(now)), "}"),
      now);
}

}  // namespace latchwire
