#include "server/store/mutations/mutation.h"

namespace latchwire {

absl::Span<const WebhookStats> StatsOf(const MutationResult& result) {
  if (!result.ok()) return {};
  return std::visit(
      [](const auto& value) -> absl::Span<const WebhookStats> {
        if constexpr (requires { value.stats; }) return value.stats;
        return {};
      },
      *result);
}

WrittenBatch::WrittenBatch(absl::Span<const Mutation> mutations,
                           absl::Span<const MutationResult> results)
    : mutations_(mutations), results_(results) {
  LATCHWIRE_CHECK(mutations.size() == results.size());
}

void WrittenBatch::ForEachAppend(AppendVisit visit) const {
  ForEach([visit](const auto& mutation, const auto& result) {
    using M = std::remove_cvref_t<decltype(mutation)>;
    if constexpr (std::derived_from<M, MatchedEvents>) {
      visit(mutation, result, false);
    } else if constexpr (requires { mutation.operational; }) {
      LATCHWIRE_CHECK(mutation.operational.size() == result.operational.size());
      for (size_t i = 0; i < mutation.operational.size(); ++i) {
        if (!result.operational[i].ok()) continue;
        visit(mutation.operational[i], *result.operational[i], true);
      }
    }
  });
}

}  // namespace latchwire
