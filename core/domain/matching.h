// Decides which webhooks an event goes to. The cost of a look-up grows with the webhooks that
// match, not with those that do not: a match is filed under all of its parts at once, and an event
// is looked up only under the keys that match it.
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

// Whether the first segment is `latchwire`, which marks events that the server makes about webhooks
// and deliveries (operational_event.h). Such events go only to webhooks that ask for them by a
// pattern that begins with that segment; a star in its place or an empty pattern does not match
// them.
bool IsOperationalType(absl::string_view type_or_pattern);

// `pattern` is as in EventMatch: dot-separated segments, where `*` matches one whole segment and a
// lone
// `*` matches everything.
bool TypeFits(absl::string_view pattern, absl::string_view type);
bool Fits(const EventMatch& match, const Event& event);
bool Fits(const Webhook& webhook, const Event& event);  // looks at any_of only, not at the state

// The webhooks of one tenant, indexed for look-up. Not thread-safe. Disabled webhooks may be put
// in; they are never returned.
class MatchIndex {
 public:
  // The cost of a look-up, for tests and metrics.
  struct FindStats {
    size_t keys_looked_up = 0;
    size_t candidates_visited = 0;  // webhooks touched, counted once per match that led to them
  };

  void Put(std::shared_ptr<const Webhook> webhook);  // replaces the one with the same uid
  void Remove(int64_t uid);
  size_t size() const { return webhooks_.size(); }

  // Returns the webhooks by ascending uid, each once however many of its matches apply.
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
  // Returns the patterns that match the event: "", its types, and its types with stars in every
  // shape in use.
  std::vector<std::string> PatternsFor(const Event& event) const;

  absl::flat_hash_map<int64_t, std::shared_ptr<const Webhook>> webhooks_;
  absl::flat_hash_map<EventMatch, Bucket, KeyHash, KeyEq> filed_;
  // How many filed matches have each shape. There are few shapes, however many webhooks.
  absl::flat_hash_map<Shape, size_t> shapes_;
  // Numbers of filed matches that name neither source nor subject, the source, the subject, both.
  size_t by_parts_[4] = {0, 0, 0, 0};
};

}  // namespace latchwire
