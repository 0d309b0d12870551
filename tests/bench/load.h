// What the load generators share: the clock, the events that they send, and quantiles of what they
// measured.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace latchwire::bench {

// CLOCK_MONOTONIC, which all processes of a machine share: an event's stamp can be compared at the
// sink.
inline int64_t MonotonicNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline uint64_t UnixMillis() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

// A UUID version 7 in text, unique by its counter.
inline std::string MakeV7Id(uint64_t milliseconds, uint64_t counter) {
  char id[37];
  std::snprintf(
      id, sizeof(id), "%08x-%04x-7%03x-8000-%012llx", static_cast<unsigned>(milliseconds >> 16),
      static_cast<unsigned>(milliseconds & 0xffff), static_cast<unsigned>(counter >> 36 & 0xfff),
      static_cast<unsigned long long>(counter & 0xffffffffffff));
  return id;
}

// An id as a caller chooses it: in no order.
inline std::string MakeRandomId(std::mt19937_64* random) {
  char id[34];  // not a number, however the digits fall
  std::snprintf(id, sizeof(id), "x%016llx%016llx", static_cast<unsigned long long>((*random)()),
                static_cast<unsigned long long>((*random)()));
  return id;
}

// JSON of `bytes` bytes with the moment it was made, which the sink reads.
inline std::string Payload(uint64_t sequence, int64_t sent_ns, size_t bytes = 1024) {
  std::string data = "{\"sent_ns\":" + std::to_string(sent_ns) +
                     ",\"n\":" + std::to_string(sequence) + ",\"pad\":\"";
  if (data.size() + 2 < bytes) data.append(bytes - data.size() - 2, 'x');
  return data + "\"}";
}

// Sorts `values`. 0 when there are none.
inline double QuantileMs(std::vector<int64_t>* values, double quantile) {
  if (values->empty()) return 0;
  std::sort(values->begin(), values->end());
  const auto rank = static_cast<size_t>(quantile * static_cast<double>(values->size()));
  return static_cast<double>((*values)[std::min(rank, values->size() - 1)]) / 1e6;
}

[[noreturn]] inline void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

}  // namespace latchwire::bench
