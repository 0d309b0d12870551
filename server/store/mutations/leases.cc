#include "server/store/mutations/leases.h"

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

}  // namespace latchwire
