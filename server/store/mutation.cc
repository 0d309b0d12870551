#include "server/store/mutation.h"

#include <type_traits>

namespace latchwire {

int PartitionOf(WebhookKey webhook) {
  // Stored leases depend on it: never change it. The finalizer of SplitMix64, whose low bits depend
  // on all bits of what goes in.
  uint64_t bits = static_cast<uint64_t>(webhook.tenant) * 0x9e3779b97f4a7c15u +
                  static_cast<uint64_t>(webhook.uid);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  bits ^= bits >> 31;
  return static_cast<int>(bits % kPartitionCount);
}

absl::Status& StatusOf(Mutation& mutation) {
  return std::visit([](auto& value) -> absl::Status& { return value.status; }, mutation);
}

const absl::Status& StatusOf(const Mutation& mutation) {
  return std::visit([](const auto& value) -> const absl::Status& { return value.status; },
                    mutation);
}

absl::Span<const WebhookStats> StatsOf(const Mutation& mutation) {
  return std::visit(
      [](const auto& value) -> absl::Span<const WebhookStats> {
        if constexpr (requires { value.stats; }) return value.stats;
        return {};
      },
      mutation);
}

absl::Span<const AppendEvents> AppendsOf(const Mutation& mutation) {
  return std::visit(
      [](const auto& value) -> absl::Span<const AppendEvents> {
        if constexpr (std::is_same_v<decltype(value), const AppendEvents&>) {
          return absl::MakeConstSpan(&value, 1);
        } else if constexpr (requires { value.operational; }) {
          return value.operational;
        } else {
          return {};
        }
      },
      mutation);
}

}  // namespace latchwire
