// Answers of receivers: whatever comes, in whatever pieces, ends in one of the states, within the
// limits; and the pieces make no difference.
#include <algorithm>
#include <optional>

#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/net/response_reader.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

using State = ResponseReader::State;

struct Read {
  State state = State::kMore;
  bool has_head = false;
  int status = 0;
  HttpResult result;
};

// Feeds it as a connection would: as much as there is room for at a time, `piece` at most.
Read Feed(absl::string_view bytes, size_t piece, const ResponseLimits& limits, size_t kept_bytes,
          bool is_head_request) {
  Read read;
  ResponseReader reader(limits);
  reader.Open();
  reader.Begin(&read.result, kept_bytes, is_head_request);
  while (read.state == State::kMore && !bytes.empty()) {
    const absl::Span<char> room = reader.Room();
    FUZZ_CHECK(!room.empty());
    FUZZ_CHECK(room.size() <= std::max<size_t>(limits.header_bytes + 1, 4096));
    const size_t size = std::min({piece, room.size(), bytes.size()});
    std::copy_n(bytes.begin(), size, room.begin());
    bytes.remove_prefix(size);
    read.state = reader.OnBytes(size);
  }
  read.has_head = reader.HasHead();
  if (read.state == State::kMore && read.has_head) reader.OnEnd(/*clean=*/true);
  if (read.has_head) read.status = reader.status();
  FUZZ_CHECK(read.result.body.size() <= kept_bytes);
  FUZZ_CHECK(read.result.retry_after.find_first_of("\r\n") == std::string::npos);
  switch (read.state) {
    case State::kMore:
      break;
    case State::kWhole:
    case State::kCut:
      FUZZ_CHECK(read.has_head);
      FUZZ_CHECK(read.status >= 200 && read.status <= 599);
      break;
    case State::kInvalid:
      FUZZ_CHECK(!reader.error().empty());
      break;
  }
  if (read.state == State::kWhole) (void)reader.IsReusable();
  return read;
}

}  // namespace
}  // namespace latchwire

// The first byte says how; the rest is what the receiver sends.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchwire;
  if (size == 0) return 0;
  const uint8_t how = data[0];
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool is_head_request = (how & 1) != 0;
  const size_t piece = 1 + (how >> 3);
  const size_t kept_bytes = (how & 2) != 0 ? 16 : 4096;

  const ResponseLimits wide;
  const Read whole = Feed(bytes, bytes.size(), wide, kept_bytes, is_head_request);
  const Read pieces = Feed(bytes, piece, wide, kept_bytes, is_head_request);
  // What is wrong may be seen at once or only at the end of a line, by whether that is there.
  FUZZ_CHECK((whole.state == State::kWhole) == (pieces.state == State::kWhole));
  FUZZ_CHECK(whole.has_head == pieces.has_head);
  FUZZ_CHECK(whole.status == pieces.status);
  if (whole.has_head) {
    FUZZ_CHECK(whole.result.body == pieces.result.body);
    FUZZ_CHECK(whole.result.body_truncated == pieces.result.body_truncated);
    FUZZ_CHECK(whole.result.retry_after == pieces.result.retry_after);
  }
  ResponseLimits narrow;
  narrow.header_bytes = 64;
  narrow.body_bytes = 32;
  (void)Feed(bytes, piece, narrow, kept_bytes, is_head_request);

  // Of 2026, to the second, so that a date before and one after can be found.
  const absl::Time now = absl::FromUnixSeconds(1'785'585'600);
  for (const absl::string_view value : {absl::string_view(whole.result.retry_after), bytes}) {
    FUZZ_CHECK(ParseRetryAfter(value, now) >= absl::ZeroDuration());
  }
  return 0;
}
