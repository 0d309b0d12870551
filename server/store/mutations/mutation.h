// Everything that is ever written, as values: each mutation is a pure input, its Result stands
// beside it. The writer gathers mutations of many callers into one transaction; a driver applies
// each so that it happens wholly or not at all.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/check.h"
#include "core/domain/webhook_stats.h"
#include "server/store/mutations/agents.h"
#include "server/store/mutations/api_keys.h"
#include "server/store/mutations/append.h"
#include "server/store/mutations/leases.h"
#include "server/store/mutations/outcomes.h"
#include "server/store/mutations/recovery.h"
#include "server/store/mutations/retention.h"
#include "server/store/mutations/tenants.h"
#include "server/store/mutations/webhooks.h"

namespace latchwire {

template <typename... Ms>
struct MutationList {
  using Mutation = std::variant<Ms...>;
  using Result = std::variant<typename Ms::Result...>;
};

using AllMutations =
    MutationList<AppendPublished, AppendFromAgent, RecordDropped, OpenAgentStream, RecordOutcomes,
                 RetryDelivery, ExpireDeliveries, DeleteOldEvents, CreateRecoveryJob,
                 StepRecoveryJob, CancelRecoveryJob, CreateTenant, UpdateTenant, CreateWebhook,
                 UpdateWebhook, DeleteWebhook, PurgeDeleted, CreateApiKey, DeleteApiKey,
                 AcquireLeases, ReleaseLeases>;

using Mutation = AllMutations::Mutation;

// The Result of the mutation, or why it was not done: an error with a reason (core/base/error.h)
// that the mutation's comment names, or STORE_UNAVAILABLE when the whole transaction failed.
// STALE_GENERATION and FENCED (both kAborted) never leave the server.
using MutationResult = absl::StatusOr<AllMutations::Result>;

template <typename M>
const typename M::Result& ResultOf(const MutationResult& result) {
  LATCHWIRE_CHECK(result.ok(), "a mutation that failed has no result");
  return std::get<typename M::Result>(*result);
}

// The same of a result that is no longer needed as it was: moves the value out.
template <typename M>
absl::StatusOr<typename M::Result> ResultOf(MutationResult&& result) {
  if (!result.ok()) return std::move(result).status();
  return std::get<typename M::Result>(*std::move(result));
}

// Empty for those that move no counters.
absl::Span<const WebhookStats> StatsOf(const MutationResult& result);

// The mutations of one transaction with their results, in the order in which they were applied. A
// view: it lives as long as both.
class WrittenBatch {
 public:
  // As many results as mutations.
  WrittenBatch(absl::Span<const Mutation> mutations, absl::Span<const MutationResult> results);

  absl::Span<const Mutation> mutations() const { return mutations_; }
  absl::Span<const MutationResult> results() const { return results_; }

  // Calls `visit` with each mutation that succeeded and its result. It must take every pair of a
  // mutation and its Result; see Visitor.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t i = 0; i < mutations_.size(); ++i) {
      if (!results_[i].ok()) continue;
      std::visit(
          [&](const auto& mutation) {
            using M = std::remove_cvref_t<decltype(mutation)>;
            visit(mutation, ResultOf<M>(results_[i]));
          },
          mutations_[i]);
    }
  }

  // Calls `visit` with every append that was stored, operational ones among them.
  using AppendVisit =
      absl::FunctionRef<void(const MatchedEvents&, const AppendResult&, bool operational)>;
  void ForEachAppend(AppendVisit visit) const;

 private:
  const absl::Span<const Mutation> mutations_;
  const absl::Span<const MutationResult> results_;
};

// What is not handled by any of the functions is ignored.
template <typename... Functions>
struct Visitor : Functions... {
  using Functions::operator()...;
  template <typename M, typename Result>
  void operator()(const M&, const Result&) const
    requires(!(std::invocable<const Functions&, const M&, const Result&> || ...))
  {}
};
template <typename... Functions>
Visitor(Functions...) -> Visitor<Functions...>;

}  // namespace latchwire
