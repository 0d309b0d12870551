#include "server/delivery/suspender.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);
// After this many matches that were stale at the commit, the change is written without its event.
constexpr int kMaxTriesWithEvent = 20;

}  // namespace

void Suspender::SuspendIfFailing(const Webhook& webhook, const WebhookStats& stats) {
  const AutoSuspendPolicy& policy = webhook.auto_suspend;
  if (!Delivers(webhook.state) || policy.failure_count <= 0) return;
  if (stats.consecutive_failures < policy.failure_count) return;
  if (stats.last_failure_time - stats.failing_since < policy.failure_span) return;
  Suspend(webhook.key, absl::StrCat(stats.consecutive_failures, " failed attempts in a row since ",
                                    absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", stats.failing_since,
                                                     absl::UTCTimeZone()),
                                    ": last failure ", stats.last_failure));
}

void Suspender::Suspend(WebhookKey webhook, std::string reason) {
  if (under_way_.insert(webhook).second) Write(webhook, std::move(reason), 0);
}

void Suspender::Write(WebhookKey webhook, std::string reason, int tries) {
  LATCHWIRE_DCHECK(under_way_.contains(webhook));
  const std::shared_ptr<const Webhook> current = configuration_->FindWebhook(webhook);
  if (current == nullptr || current->state != WebhookState::kActive) {
    under_way_.erase(webhook);
    return;
  }
  const absl::Time now = clock_->Now();
  UpdateWebhook update;
  update.webhook = *current;
  update.webhook.state = WebhookState::kSuspended;
  update.webhook.state_reason = reason;
  update.webhook.state_time = now;
  std::optional<MatchedEvents> event = events_->AboutSuspension(*current, reason, now);
  if (event.has_value() && tries < kMaxTriesWithEvent) {
    update.operational.push_back(*std::move(event));
  } else if (event.has_value()) {
    Count(counters_->operational_events_lost);
  }
  writer_->Submit(std::move(update), [this, webhook, reason, tries](const auto& written) {
    executor_->Post([this, webhook, reason, tries, status = written.result.status()] {
      OnWritten(webhook, reason, tries, status);
    });
  });
}

void Suspender::OnWritten(WebhookKey webhook, std::string reason, int tries,
                          const absl::Status& status) {
  const std::string why = ReasonOf(status);
  if (status.ok() || why == error_reason::kWebhookNotFound || why == error_reason::kShuttingDown) {
    if (status.ok()) Count(counters_->suspended_webhooks);
    under_way_.erase(webhook);
    return;
  }
  // Somebody has changed the webhook, or the store cannot write: look again.
  const bool at_once =
      why == error_reason::kEtagMismatch || why == internal_reason::kStaleGeneration;
  executor_->PostAfter(at_once ? absl::ZeroDuration() : kRetry,
                       [this, webhook, reason = std::move(reason), tries]() mutable {
                         Write(webhook, std::move(reason), tries + 1);
                       });
}

}  // namespace latchwire
