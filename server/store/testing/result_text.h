// Results of mutations as text, so that a comparison of two drivers shows what differs.
#pragma once

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "server/store/testing/conformance.h"

namespace latchwire {

struct ResultPrinter {
  std::string operator()(const AppendEvents& append) const {
    std::string text;
    for (const NewEvent& event : append.events) {
      absl::StrAppend(&text, static_cast<int>(event.result), "#", event.event->number, " ");
      for (const DeliveryTarget& target : event.targets) {
        if (target.dropped) absl::StrAppend(&text, "not to ", target.webhook_uid, " ");
      }
    }
    for (const DeliveryKey& key : append.dropped) {
      absl::StrAppend(&text, "dropped ", key.webhook.uid, "-", key.event_number, " ");
    }
    return absl::StrCat(text, ReasonOf(append.status), " ", append.status.message(),
                        append.stored_bytes, " ", append.stored_events);
  }
  std::string operator()(const ExpireDeliveries& expire) const {
    std::set<WebhookKey> webhooks(expire.webhooks.begin(), expire.webhooks.end());
    std::string text = absl::StrCat(expire.expired_deliveries, " ", expire.more);
    for (const WebhookKey& key : webhooks) absl::StrAppend(&text, " ", key.tenant, "/", key.uid);
    return text;
  }
  std::string operator()(const OpenAgentStream& open) const {
    return absl::StrCat(open.fence, ": ", absl::StrJoin(open.through, ","));
  }
  std::string operator()(const RecordOutcomes& record) const {
    std::string text;
    for (const DeliveryOutcome& outcome : record.outcomes) {
      absl::StrAppend(&text, static_cast<int>(outcome.result), " ");
    }
    for (const AppendEvents& append : record.operational) text += (*this)(append);
    return text;
  }
  std::string operator()(const RetryDelivery& retry) const { return Describe(retry.delivery); }
  std::string operator()(const CreateWebhook& create) const {
    return absl::StrCat(Describe(create.webhook), " ", create.generation);
  }
  std::string operator()(const UpdateWebhook& update) const {
    std::string text = absl::StrCat(Describe(update.webhook), " ", update.generation);
    for (const AppendEvents& append : update.operational) text += (*this)(append);
    return text;
  }
  std::string operator()(const DeleteWebhook& del) const { return absl::StrCat(del.generation); }
  std::string operator()(const PurgeDeleted& purge) const { return absl::StrCat(purge.more); }
  std::string operator()(const AcquireLeases& acquire) const {
    return absl::StrJoin(acquire.fences, ",");
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "";
  }
};
inline std::string Text(const WebhookStats& stats) {
  return absl::StrCat("stats ", stats.key.tenant, "/", stats.key.uid, ": ", stats.pending, " ",
                      stats.succeeded, " ", stats.dead, " ", stats.expired, " ", stats.dropped, " ",
                      stats.consecutive_failures, " ", absl::FormatTime(stats.failing_since), " ",
                      absl::FormatTime(stats.last_failure_time), " ", stats.last_failure, " ",
                      absl::FormatTime(stats.last_success_time), "\n");
}
inline std::string Results(const Mutation& mutation) {
  const absl::Status& status = StatusOf(mutation);
  std::set<std::string> stats;
  for (const WebhookStats& each : StatsOf(mutation)) EXPECT_TRUE(stats.insert(Text(each)).second);
  return absl::StrCat(mutation.index(), " ", absl::StatusCodeToString(status.code()), " ",
                      ReasonOf(status), " ", status.message(), " ",
                      std::visit(ResultPrinter(), mutation), "\n", absl::StrJoin(stats, ""));
}

}  // namespace latchwire
