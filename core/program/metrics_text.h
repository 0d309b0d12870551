// Metrics in Prometheus' text format, version 0.0.4.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/base/latency_histogram.h"

namespace latchwire {

// Collects samples and writes them grouped by name, as the format requires, in the order in which
// the names first occurred. Every name has one help text and one type, those of its first sample.
// Names of metrics and labels are the caller's constants and are written unchanged.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;
  static constexpr absl::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // A count since the start of the process, which never falls; its name ends in _total.
  void Counter(absl::string_view name, absl::string_view help, Labels labels, double value);
  // A current value.
  void Gauge(absl::string_view name, absl::string_view help, Labels labels, double value);
  // A histogram in seconds, as the name's ending says. Every fourth bound of the histogram becomes
  // a bucket, so that the counts are exact.
  void Histogram(absl::string_view name, absl::string_view help, Labels labels,
                 const LatencyHistogram::Snapshot& snapshot);

  std::string ToString() const;

 private:
  struct Family {
    std::string head;  // HELP and TYPE
    std::string samples;
  };
  Family& FindFamily(absl::string_view name, absl::string_view help, absl::string_view type);

  std::vector<Family> families_;
  absl::flat_hash_map<std::string, size_t> by_name_;
};

}  // namespace latchwire
