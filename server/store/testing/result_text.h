// Results of mutations as text, so that a comparison of two drivers shows what differs.
#pragma once

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "server/store/testing/conformance.h"

namespace latchwire {

inline std::string Text(const absl::Status& status) {
  return absl::StrCat(absl::StatusCodeToString(status.code()), " ", ReasonOf(status), " ",
                      status.message());
}

struct ResultPrinter {
  std::string operator()(const AppendResult& append) const {
    std::string text;
    for (const AppendResult::OfEvent& event : append.events) {
      absl::StrAppend(&text, static_cast<int>(event.kind), "#", event.number, " ");
    }
    for (const auto& dropped : {append.dropped_new, append.dropped_old}) {
      absl::StrAppend(&text, "dropped ");
      for (const DeliveryKey& key : dropped) {
        absl::StrAppend(&text, key.webhook.uid, "-", key.event_number, " ");
      }
    }
    return absl::StrCat(text, append.stored_bytes, " ", append.stored_events);
  }
  std::string operator()(const absl::StatusOr<AppendResult>& append) const {
    return append.ok() ? (*this)(*append) : Text(append.status());
  }
  std::string operator()(const ExpireDeliveries::Result& expired) const {
    std::set<WebhookKey> webhooks(expired.webhooks.begin(), expired.webhooks.end());
    std::string text = absl::StrCat(expired.expired_deliveries, " ", expired.more);
    for (const WebhookKey& key : webhooks) absl::StrAppend(&text, " ", key.tenant, "/", key.uid);
    return text;
  }
  std::string operator()(const OpenAgentStream::Result& opened) const {
    return absl::StrCat(opened.fence, ": ", absl::StrJoin(opened.through, ","));
  }
  std::string operator()(const RecordOutcomes::Result& recorded) const {
    std::string text;
    for (const RecordOutcomes::Recorded outcome : recorded.outcomes) {
      absl::StrAppend(&text, static_cast<int>(outcome), " ");
    }
    for (const auto& append : recorded.operational) text += (*this)(append);
    return text;
  }
  std::string operator()(const RetryDelivery::Result& retried) const {
    return Describe(retried.delivery);
  }
  std::string operator()(const CreateWebhook::Result& created) const {
    return absl::StrCat(Describe(*created.webhook), " ", created.generation);
  }
  std::string operator()(const UpdateWebhook::Result& updated) const {
    std::string text = absl::StrCat(Describe(*updated.webhook), " ", updated.generation);
    for (const auto& append : updated.operational) text += (*this)(append);
    return text;
  }
  std::string operator()(const DeleteWebhook::Result& deleted) const {
    return absl::StrCat(deleted.generation);
  }
  std::string operator()(const PurgeDeleted::Result& purged) const {
    return absl::StrCat(purged.more);
  }
  std::string operator()(const AcquireLeases::Result& acquired) const {
    return absl::StrJoin(acquired.fences, ",");
  }
  template <typename Other>
    requires(!std::derived_from<Other, AppendResult>)
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
inline std::string TextOf(const MutationResult& result) {
  if (!result.ok()) return absl::StrCat(Text(result.status()), "\n");
  std::set<std::string> stats;
  for (const WebhookStats& each : StatsOf(result)) EXPECT_TRUE(stats.insert(Text(each)).second);
  return absl::StrCat(result->index(), " ", std::visit(ResultPrinter(), *result), "\n",
                      absl::StrJoin(stats, ""));
}

}  // namespace latchwire
