#include "core/program/metrics_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace latchwire {
namespace {

constexpr int kBucketStep = 4;
static_assert(LatencyHistogram::kBuckets % kBucketStep == 0);

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  // Whole numbers up to 2^53 are exact, and are written without an exponent.
  if (value == std::floor(value) && std::abs(value) <= 9007199254740992.0) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrFormat("%.15g", value);
}

// `last` is the label that only a histogram's buckets have.
std::string LabelText(MetricsText::Labels labels, absl::string_view last = "") {
  std::string text;
  for (const auto& [name, value] : labels) {
    absl::StrAppend(&text, text.empty() ? "{" : ",", name, "=\"",
                    absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                    "\"");
  }
  if (!last.empty()) absl::StrAppend(&text, text.empty() ? "{" : ",", "le=\"", last, "\"");
  if (!text.empty()) text += "}";
  return text;
}

}  // namespace

MetricsText::Family& MetricsText::FindFamily(absl::string_view name, absl::string_view help,
                                             absl::string_view type) {
  const auto [it, is_new] = by_name_.try_emplace(std::string(name), families_.size());
  if (is_new) {
    families_.push_back({absl::StrCat("# HELP ", name, " ",
                                      absl::StrReplaceAll(help, {{"\\", "\\\\"}, {"\n", "\\n"}}),
                                      "\n# TYPE ", name, " ", type, "\n"),
                         ""});
  }
  return families_[it->second];
}

void MetricsText::Counter(absl::string_view name, absl::string_view help, Labels labels,
                          double value) {
  absl::StrAppend(&FindFamily(name, help, "counter").samples, name, LabelText(labels), " ",
                  Number(value), "\n");
}

void MetricsText::Gauge(absl::string_view name, absl::string_view help, Labels labels,
                        double value) {
  absl::StrAppend(&FindFamily(name, help, "gauge").samples, name, LabelText(labels), " ",
                  Number(value), "\n");
}

void MetricsText::Histogram(absl::string_view name, absl::string_view help, Labels labels,
                            const LatencyHistogram::Snapshot& snapshot) {
  std::string& samples = FindFamily(name, help, "histogram").samples;
  int64_t count = 0;
  for (int i = 0; i < LatencyHistogram::kBuckets; ++i) {
    count += snapshot.counts[static_cast<size_t>(i)];
    if ((i + 1) % kBucketStep != 0) continue;
    const double bound = absl::ToDoubleSeconds(LatencyHistogram::UpperBound(i));
    absl::StrAppend(&samples, name, "_bucket", LabelText(labels, Number(bound)), " ", count, "\n");
  }
  count += snapshot.counts[LatencyHistogram::kBuckets];
  absl::StrAppend(&samples, name, "_bucket", LabelText(labels, "+Inf"), " ", count, "\n");
  absl::StrAppend(&samples, name, "_sum", LabelText(labels), " ",
                  Number(absl::ToDoubleSeconds(snapshot.sum)), "\n");
  absl::StrAppend(&samples, name, "_count", LabelText(labels), " ", count, "\n");
}

std::string MetricsText::ToString() const {
  std::string text;
  for (const Family& family : families_) absl::StrAppend(&text, family.head, family.samples);
  return text;
}

}  // namespace latchwire
