#include "core/domain/matching.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace latchwire {
namespace {

constexpr size_t kNamesSource = 1;
constexpr size_t kNamesSubject = 2;

// `text` cut at its first dot; `text` becomes the rest. Returns false when there was no dot.
bool CutSegment(absl::string_view* text, absl::string_view* segment) {
  const size_t dot = text->find('.');
  *segment = text->substr(0, dot);
  if (dot == absl::string_view::npos) return false;
  text->remove_prefix(dot + 1);
  return true;
}

std::string ShapeOf(absl::string_view pattern) {
  std::string shape;
  for (const absl::string_view segment : absl::StrSplit(pattern, '.')) {
    shape.push_back(segment == "*" ? '*' : '_');
  }
  return shape;
}

// `type` with stars where the shape has them; empty when the number of segments differs.
std::string Starred(absl::string_view type, absl::string_view shape) {
  std::string starred;
  for (size_t i = 0;; ++i) {
    if (i == shape.size()) return "";
    absl::string_view segment;
    const bool more = CutSegment(&type, &segment);
    if (i > 0) starred.push_back('.');
    absl::StrAppend(&starred, shape[i] == '*' ? "*" : segment);
    if (!more) return i + 1 == shape.size() ? starred : "";
  }
}

EventMatch Normal(EventMatch match) {
  if (match.type_pattern == "*") match.type_pattern.clear();
  return match;
}

}  // namespace

bool IsOperationalType(absl::string_view type_or_pattern) {
  absl::string_view first;
  CutSegment(&type_or_pattern, &first);
  return first == "latchwire";
}

bool TypeFits(absl::string_view pattern, absl::string_view type) {
  if (pattern == "*") return true;
  while (true) {
    absl::string_view pattern_segment, type_segment;
    const bool more = CutSegment(&pattern, &pattern_segment);
    if (more != CutSegment(&type, &type_segment)) return false;
    if (pattern_segment != "*" && pattern_segment != type_segment) return false;
    if (!more) return true;
  }
}

bool Fits(const EventMatch& match, const Event& event) {
  if (!match.source.empty() && match.source != event.source) return false;
  if (!match.subject.empty() && match.subject != event.subject) return false;
  if (IsOperationalType(event.type) && !IsOperationalType(match.type_pattern)) return false;
  if (match.type_pattern.empty() || TypeFits(match.type_pattern, event.type)) return true;
  return !event.canonical_type.empty() && TypeFits(match.type_pattern, event.canonical_type);
}

bool Fits(const Webhook& webhook, const Event& event) {
  if (webhook.any_of.empty()) return Fits(EventMatch(), event);
  return std::any_of(webhook.any_of.begin(), webhook.any_of.end(),
                     [&event](const EventMatch& match) { return Fits(match, event); });
}

size_t MatchIndex::KeyHash::operator()(const Key& key) const {
  return absl::HashOf(key.type_pattern, key.source, key.subject);
}

void MatchIndex::Put(std::shared_ptr<const Webhook> webhook) {
  const int64_t uid = webhook->key.uid;
  Remove(uid);
  if (Matches(webhook->state)) File(*webhook, /*add=*/true);
  webhooks_.emplace(uid, std::move(webhook));
}

void MatchIndex::Remove(int64_t uid) {
  const auto found = webhooks_.find(uid);
  if (found == webhooks_.end()) return;
  if (Matches(found->second->state)) File(*found->second, /*add=*/false);
  webhooks_.erase(found);
}

void MatchIndex::File(const Webhook& webhook, bool add) {
  if (webhook.any_of.empty()) return FileMatch({}, webhook.key.uid, add);
  std::vector<EventMatch> filed;
  for (const EventMatch& match : webhook.any_of) {
    EventMatch normal = Normal(match);
    if (std::find(filed.begin(), filed.end(), normal) != filed.end()) continue;
    FileMatch(normal, webhook.key.uid, add);
    filed.push_back(std::move(normal));
  }
}

void MatchIndex::FileMatch(const EventMatch& match, int64_t uid, bool add) {
  Bucket& bucket = filed_[match];
  const auto position = std::lower_bound(bucket.begin(), bucket.end(), uid);
  size_t& with_parts = by_parts_[(match.source.empty() ? 0 : kNamesSource) |
                                 (match.subject.empty() ? 0 : kNamesSubject)];
  const bool starred = absl::StrContains(match.type_pattern, '*');
  if (add) {
    bucket.insert(position, uid);
    ++with_parts;
    if (starred) ++shapes_[ShapeOf(match.type_pattern)];
    return;
  }
  bucket.erase(position);
  if (bucket.empty()) filed_.erase(match);
  --with_parts;
  if (!starred) return;
  const auto shape = shapes_.find(ShapeOf(match.type_pattern));
  if (--shape->second == 0) shapes_.erase(shape);
}

std::vector<std::string> MatchIndex::PatternsFor(const Event& event) const {
  const bool operational = IsOperationalType(event.type);
  std::vector<std::string> patterns;
  if (!operational) patterns.push_back("");
  const auto add_type = [&](const std::string& type) {
    patterns.push_back(type);
    for (const auto& [shape, count] : shapes_) {
      if (operational && shape[0] == '*') continue;
      std::string starred = Starred(type, shape);
      if (!starred.empty()) patterns.push_back(std::move(starred));
    }
  };
  add_type(event.type);
  if (!event.canonical_type.empty() && event.canonical_type != event.type) {
    add_type(event.canonical_type);
  }
  return patterns;
}

std::vector<std::shared_ptr<const Webhook>> MatchIndex::Find(const Event& event,
                                                             FindStats* stats) const {
  FindStats cost;
  std::vector<int64_t> uids;
  const std::vector<std::string> patterns = PatternsFor(event);
  for (size_t parts = 0; parts < 4; ++parts) {
    absl::string_view source, subject;
    if (parts & kNamesSource) source = event.source;
    if (parts & kNamesSubject) subject = event.subject;
    // An event without a source fits no match that names one; asked for, it would find "any" again.
    if ((parts & kNamesSource) && source.empty()) continue;
    if ((parts & kNamesSubject) && subject.empty()) continue;
    if (by_parts_[parts] == 0) continue;
    for (const std::string& pattern : patterns) {
      ++cost.keys_looked_up;
      const auto found = filed_.find(Key(pattern, source, subject));
      if (found == filed_.end()) continue;
      cost.candidates_visited += found->second.size();
      uids.insert(uids.end(), found->second.begin(), found->second.end());
    }
  }
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());

  std::vector<std::shared_ptr<const Webhook>> webhooks;
  webhooks.reserve(uids.size());
  for (const int64_t uid : uids) webhooks.push_back(webhooks_.find(uid)->second);
  if (stats != nullptr) *stats = cost;
  return webhooks;
}

}  // namespace latchwire
