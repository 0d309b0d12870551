#include "edge-agent/sources/repeat_window.h"

#include "core/base/check.h"

namespace latchwire::edge {

RepeatWindow::RepeatWindow(size_t capacity) : capacity_(capacity) { LATCHWIRE_CHECK(capacity > 0); }

const RepeatWindow::Entry* RepeatWindow::Find(absl::string_view key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second;
}

void RepeatWindow::Begin(absl::string_view key, absl::string_view id) {
  const bool is_new = entries_.try_emplace(std::string(key), Entry{std::string(id)}).second;
  LATCHWIRE_CHECK(is_new, "a repeat was taken for a new event");
}

void RepeatWindow::Settle(absl::string_view key, bool durable) {
  const auto it = entries_.find(key);
  LATCHWIRE_CHECK(it != entries_.end() && !it->second.durable, "settled twice, or never begun");
  if (!durable) {
    entries_.erase(it);
    return;
  }
  it->second.durable = true;
  Keep(key);
}

void RepeatWindow::Remember(absl::string_view key, absl::string_view id) {
  const auto [it, is_new] = entries_.try_emplace(std::string(key), Entry{std::string(id), true});
  if (is_new) {
    Keep(key);
  } else if (it->second.durable) {
    it->second.id = std::string(id);
  }
}

void RepeatWindow::Keep(absl::string_view key) {
  durable_.emplace_back(key);
  if (durable_.size() > capacity_) {
    const auto oldest = entries_.find(durable_.front());
    LATCHWIRE_CHECK(oldest != entries_.end() && oldest->second.durable);
    entries_.erase(oldest);
    durable_.pop_front();
  }
  LATCHWIRE_DCHECK(durable_.size() <= entries_.size());
}

}  // namespace latchwire::edge
