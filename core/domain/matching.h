// Which webhooks an event goes to. The cost of a look-up grows with the webhooks that fit, not with
// those that don't: a match is filed under all of its parts at once, and an event looks only under
// the keys that fit it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Events of the server's own, about webhooks and deliveries (operational_event.h), have types whose
// first segment is `latchwire`. They go only to webhooks that ask for them: by a match whose
// pattern begins with that segment, never by a star in its place or by an empty pattern.
bool IsOperationalType(absl::string_view type_or_pattern);

// `pattern` as in EventMatch: segments split by dots, `*` fits one whole segment, a lone `*` all.
bool TypeFits(absl::string_view pattern, absl::string_view type);
bool Fits(const EventMatch& match, const Event& event);
bool Fits(const Webhook& webhook, const Event& event);  // any_of only; the state does not count

// The webhooks of one tenant, filed for look-up. Not thread-safe. Webhooks whose state does not
// match (DISABLED) may be put in; they are never returned.
class MatchIndex {
 public:
  // What a look-up cost, for tests and metrics.
  struct FindStats {
    size_t keys_looked_up = 0;
    size_t candidates_visited = 0;  // webhooks touched, counted once per match that led to them
  };

  void Put(std::shared_ptr<const Webhook> webhook);  // replaces the one with the same uid
  void Remove(int64_t uid);
  size_t size() const { return webhooks_.size(); }

  // Calls are pure; the result is by ascending uid, each webhook once however many matches fit.
  std::vector<std::shared_ptr<const Webhook>> Find(const Event& event,
                                                   FindStats* stats = nullptr) const;

 private:
  // An EventMatch, borrowed. Empty parts mean any; a lone `*` is written as empty.
  struct Key {
    absl::string_view type_pattern, source, subject;
    explicit Key(const EventMatch& match)
        : type_pattern(match.type_pattern), source(match.source), subject(match.subject) {}
    Key(absl::string_view type_pattern, absl::string_view source, absl::string_view subject)
        : type_pattern(type_pattern), source(source), subject(subject) {}
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const Key& key) const;
    size_t operator()(const EventMatch& match) const { return (*this)(Key(match)); }
  };
  struct KeyEq {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      const Key left(a), right(b);
      return left.type_pattern == right.type_pattern && left.source == right.source &&
             left.subject == right.subject;
    }
  };
  using Bucket = std::vector<int64_t>;  // uids, ascending
  // Where the stars of a pattern stand, one character per segment: `log.*` is "_*".
  using Shape = std::string;

  void File(const Webhook& webhook, bool add);
  void FileMatch(const EventMatch& match, int64_t uid, bool add);
  // The keys of patterns that fit the event: "", its types, and its types starred in every shape in
  // use.
  std::vector<std::string> PatternsFor(const Event& event) const;

  absl::flat_hash_map<int64_t, std::shared_ptr<const Webhook>> webhooks_;
  absl::flat_hash_map<EventMatch, Bucket, KeyHash, KeyEq> filed_;
  // How many filed matches have each shape. There are few shapes, however many webhooks.
  absl::flat_hash_map<Shape, size_t> shapes_;
  // How many filed matches name: neither source nor subject, the source, the subject, both.
  size_t by_parts_[4] = {0, 0, 0, 0};
};

}  // namespace latchwire
