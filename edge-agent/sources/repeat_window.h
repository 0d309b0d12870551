// The keys of the events that were taken last, which identify what a device sends again.
#pragma once

#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace latchwire::edge {

// Keeps the last `capacity` keys whose events are durable, and every key whose event is being
// written. Not thread-safe.
class RepeatWindow {
 public:
  explicit RepeatWindow(size_t capacity);

  struct Entry {
    std::string id;  // of the event
    bool durable = false;
  };
  // Null for an unknown key. Valid until the next call that changes the window.
  const Entry* Find(absl::string_view key) const;

  // `key` is not known; its event `id` is on its way to the disk.
  void Begin(absl::string_view key, absl::string_view id);
  // Ends an event that began: it is durable, or was not taken and may come again.
  void Settle(absl::string_view key, bool durable);
  // Adds a key whose event is already durable; an event in flight with that key is unaffected.
  void Remember(absl::string_view key, absl::string_view id);

 private:
  void Keep(absl::string_view key);

  const size_t capacity_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::deque<std::string> durable_;  // oldest first, each key once
};

}  // namespace latchwire::edge
