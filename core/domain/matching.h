// Which webhooks an event goes to. The cost of a look-up grows with the webhooks that fit, not with those that
// don't: matches are filed under their most selective part.
#pragma once

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"

namespace latchwire {

// `pattern` as in EventMatch: segments split by dots, `*` fits one whole segment, a lone `*` all.
bool TypeFits(absl::string_view pattern, absl::string_view type);
bool Fits(const EventMatch& match, const Event& event);
bool Fits(const Webhook& webhook, const Event& event);  // any_of only; the state does not count

// The webhooks of one tenant, filed for look-up. Not thread-safe. Webhooks whose state does not match (DISABLED)
// may be put in; they are never returned.
class MatchIndex {
 public:
  void Put(std::shared_ptr<const Webhook> webhook);  // replaces the one with the same uid
  void Remove(int64_t uid);
  size_t size() const { return webhooks_.size(); }

  // Calls are pure; the result is by ascending uid, each webhook once however many matches fit.
  std::vector<std::shared_ptr<const Webhook>> Find(const Event& event) const;

 private:
  struct Filed;
  using Bucket = std::vector<int64_t>;  // uids, ascending

  void File(const Webhook& webhook, bool add);
  void Collect(const Bucket& bucket, const Event& event, std::vector<int64_t>* found) const;

  absl::flat_hash_map<int64_t, std::shared_ptr<const Webhook>> webhooks_;
  absl::flat_hash_map<std::string, Bucket> by_source_;
  absl::flat_hash_map<std::string, Bucket> by_subject_;
  absl::flat_hash_map<std::string, Bucket> by_type_;
  // Patterns with stars, by pattern: there are few different ones, however many webhooks.
  absl::flat_hash_map<std::string, Bucket> by_pattern_;
  Bucket all_;
};

}  // namespace latchwire
