#include "edge-agent/sources/refusal_log.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/log.h"

namespace latchwire::edge {
namespace {

constexpr size_t kMaxShownBytes = 128;
constexpr char kMask[] = "***";

std::string Show(absl::string_view text) {
  std::string shown = absl::CHexEscape(text.substr(0, kMaxShownBytes));
  if (text.size() > kMaxShownBytes) shown += "...";
  return shown;
}

// How many bytes at the front stand for `=`: itself, or its escape.
size_t EqualsAt(absl::string_view text) {
  if (absl::StartsWith(text, "=")) return 1;
  return absl::StartsWithIgnoreCase(text, "%3d") ? 3 : 0;
}

std::string Mask(absl::string_view text) {
  std::string masked;
  bool value = false;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '&' || text[i] == ';') value = false;
    if (!value) {
      if (const size_t equals = EqualsAt(text.substr(i)); equals > 0) {
        absl::StrAppend(&masked, text.substr(i, equals), kMask);
        value = true;
        i += equals;
        continue;
      }
      masked.push_back(text[i]);
    }
    ++i;
  }
  return masked;
}

// A query whose parts without a `=` may be secrets too.
std::string MaskQuery(absl::string_view query) {
  if (query.empty()) return "";
  std::string masked;
  for (size_t begin = 0; begin <= query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    const absl::string_view part = query.substr(begin, end - begin);
    const std::string shown = Mask(part);
    absl::StrAppend(&masked, masked.empty() ? "" : "&",
                    absl::StrContains(shown, kMask) || part.empty() ? shown : kMask);
    begin = end + 1;
  }
  return masked;
}

}  // namespace

std::pair<std::string, std::string> MaskTarget(absl::string_view target) {
  const size_t question_mark = target.find('?');
  // An absolute form may hold a user's name and password.
  const bool is_path = absl::StartsWith(target, "/");
  std::pair<std::string, std::string> shown;
  shown.first = is_path ? Show(Mask(target.substr(0, question_mark))) : "(not a path)";
  if (question_mark != absl::string_view::npos) {
    shown.second = Show(MaskQuery(target.substr(question_mark + 1)));
  }
  return shown;
}

void RefusalLog::Add(Refusal refusal) {
  LATCHWIRE_DCHECK(!refusal.reason.empty());
  refusal.time = clock_->Now();
  std::optional<Warning> warning;
  {
    MutexLock lock(&mutex_);
    ++total_;
    ++counts_[{refusal.family, refusal.reason}];
    warning = WarningFor(refusal);
    recent_.push_front(refusal);
    if (recent_.size() > kMaxRecent) recent_.pop_back();
  }
  if (!warning) return;
  if (warning->crowded) {
    Log(LogLevel::kWarning, "too many refusals to log each peer and path",
        {{"unlogged", warning->unlogged}});
    return;
  }
  Log(LogLevel::kWarning, "a request was refused",
      {{"peer", refusal.peer},
       {"method", refusal.method},
       {"path", refusal.path},
       {"status", refusal.status},
       {"reason", refusal.reason},
       {"nearest", refusal.nearest},
       {"unlogged", warning->unlogged}});
}

std::optional<RefusalLog::Warning> RefusalLog::WarningFor(const Refusal& refusal) {
  const absl::Duration now = clock_->Monotonic();
  const auto is_old = [&](const Warned& warned) { return now - warned.last >= kWarningInterval; };
  const std::string key = absl::StrCat(refusal.peer, "\n", refusal.path, "\n", refusal.reason);
  const auto it = warned_.find(key);
  if (it != warned_.end()) {
    if (!is_old(it->second)) {
      ++it->second.unlogged;
      return std::nullopt;
    }
    it->second.last = now;
    return Warning{false, std::exchange(it->second.unlogged, 0)};
  }
  if (warned_.size() >= kMaxWarnedAbout) {
    absl::erase_if(warned_, [&](const auto& entry) { return is_old(entry.second); });
  }
  if (warned_.size() >= kMaxWarnedAbout) {
    ++crowded_.unlogged;
    if (!is_old(crowded_)) return std::nullopt;
    crowded_.last = now;
    return Warning{true, std::exchange(crowded_.unlogged, 0)};
  }
  warned_[key] = {now};
  LATCHWIRE_DCHECK(warned_.size() <= kMaxWarnedAbout);
  return Warning{};
}

std::vector<Refusal> RefusalLog::Recent() const {
  MutexLock lock(&mutex_);
  return {recent_.begin(), recent_.end()};
}

std::vector<RefusalCount> RefusalLog::Counts() const {
  MutexLock lock(&mutex_);
  std::vector<RefusalCount> counts;
  for (const auto& [key, count] : counts_) counts.push_back({key.first, key.second, count});
  return counts;
}

uint64_t RefusalLog::total() const {
  MutexLock lock(&mutex_);
  return total_;
}

}  // namespace latchwire::edge
