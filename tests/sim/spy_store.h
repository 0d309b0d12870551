// A store that sees what is written, for the oracle; and that can break its promises, to show that
// the oracle notices.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "server/store/store.h"

namespace latchwire::sim {

enum class Fault {
  kNone,
  kSkipFenceCheck,      // outcomes of a lost lease are recorded nevertheless
  kAnswerBeforeCommit,  // outcomes count as recorded before they are, and a crash loses them
  kForgetLimits,        // a restarted server knows nothing of rate limits and breakers
  kSendExpired,         // loads come without the time at which they expire
  kForgetOutcomes,      // one in a hundred outcomes is answered and never recorded
  kMiscount,            // who watches the commits sees other counters than are stored
  kLoseDeliveries,      // one in ten events gets no deliveries
};

// What all servers' stores have seen.
struct Ledger {
  std::array<int64_t, kPartitionCount> fences{};    // the newest
  std::array<std::string, kPartitionCount> owners;  // and whose they are
  int changes_of_owner = 0;
  absl::Time last_change_of_owner = absl::InfinitePast();
  // (webhook, event) that a server stored while another owned the webhook: that one learns of them
  // only when it looks for work, and cannot keep their place in the order.
  std::set<std::pair<int64_t, int64_t>> foreign;
  // (owner, webhook, event): whose outcomes were refused because the lease was lost.
  std::set<std::tuple<std::string, int64_t, int64_t>> fenced;
  std::vector<std::string> violations;  // seen at once
};

std::unique_ptr<Store> NewSpyStore(std::unique_ptr<Store> store, std::string owner, Ledger* ledger,
                                   Fault fault);

}  // namespace latchwire::sim
