#include "core/net/response_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace latchwire {
namespace {

using State = ResponseReader::State;

// Feeds it as much as there is room for at a time, `piece` at most; what is left stays in `bytes`.
State Feed(ResponseReader& reader, absl::string_view& bytes, size_t piece) {
  State state = State::kMore;
  while (state == State::kMore && !bytes.empty()) {
    const absl::Span<char> room = reader.Room();
    const size_t size = std::min({piece, room.size(), bytes.size()});
    EXPECT_GT(size, 0u);
    std::copy_n(bytes.begin(), size, room.begin());
    bytes.remove_prefix(size);
    state = reader.OnBytes(size);
  }
  return state;
}

TEST(ResponseReader, PiecesMakeNoDifference) {
  const std::string answer =
      "HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\nHTTP/1.1 503 No\r\nRetry-After: 12\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (size_t piece = 1; piece <= answer.size(); ++piece) {
    ResponseReader reader{ResponseLimits()};
    reader.Open();
    HttpResult result;
    reader.Begin(&result, 4, /*is_head_request=*/false);
    absl::string_view bytes = answer;
    ASSERT_EQ(Feed(reader, bytes, piece), State::kWhole) << piece;
    EXPECT_EQ(reader.status(), 503);
    EXPECT_EQ(result.retry_after, "12");
    EXPECT_EQ(result.body, "abcd");
    EXPECT_TRUE(result.body_truncated);
    EXPECT_TRUE(reader.IsReusable());
  }
}

TEST(ResponseReader, OneAnswerAfterTheOther) {
  ResponseReader reader{ResponseLimits()};
  reader.Open();
  for (int status : {200, 404, 201}) {
    HttpResult result;
    reader.Begin(&result, 4096, false);
    EXPECT_FALSE(reader.HasBytes());
    EXPECT_FALSE(reader.HasHead());
    const std::string answer =
        "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 1\r\n\r\n!";
    absl::string_view bytes = answer;
    EXPECT_EQ(Feed(reader, bytes, 7), State::kWhole);
    EXPECT_EQ(reader.status(), status);
    EXPECT_TRUE(reader.IsReusable());
    reader.Clear();
  }
}

TEST(ResponseReader, HoldsNoMoreThanAHead) {
  ResponseLimits limits;
  limits.header_bytes = 16 * 1024;
  ResponseReader reader(limits);
  reader.Open();
  HttpResult result;
  reader.Begin(&result, 4096, false);
  const std::string endless = "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x');
  absl::string_view bytes = endless;
  EXPECT_EQ(Feed(reader, bytes, 4096), State::kInvalid);
  EXPECT_LE(endless.size() - bytes.size(), 20u * 1024);
  EXPECT_EQ(reader.error(), "the response is not HTTP/1.1: header limit exceeded");
}

TEST(ResponseReader, TheEndOfABodyThatHasNone) {
  for (const bool clean : {true, false}) {
    ResponseReader reader{ResponseLimits()};
    reader.Open();
    HttpResult result;
    reader.Begin(&result, 4096, false);
    absl::string_view bytes = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    EXPECT_EQ(Feed(reader, bytes, 5), State::kMore);
    ASSERT_TRUE(reader.HasHead());
    reader.OnEnd(clean);
    EXPECT_EQ(result.body, "until the end");
    EXPECT_EQ(result.body_truncated, !clean);
  }
}

}  // namespace
}  // namespace latchwire
