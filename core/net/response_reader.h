// Reads the responses on one connection from bytes as they arrive. Internal to core/net.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/net/response_parser.h"

namespace latchwire {

// Holds the bytes that are not parsed yet, never many more than headers may have. Knows nothing of
// sockets.
class ResponseReader {
 public:
  enum class State {
    kMore,     // more bytes are needed
    kWhole,    // the answer is there to its end
    kCut,      // its head is there, and the rest broken or not worth the reading
    kInvalid,  // no answer, and error() says why
  };

  explicit ResponseReader(const ResponseLimits& limits) : limits_(limits) {}

  // Bytes of memory from here on.
  void Open() { buffer_.resize(kFirstReadBytes); }
  // Writes the next response into `result`, which must stay valid while the state is kMore.
  void Begin(HttpResult* result, size_t kept_bytes, bool is_head_request);
  // The space for the next bytes; never empty.
  absl::Span<char> Room() { return absl::MakeSpan(buffer_).subspan(end_); }
  State OnBytes(size_t size);  // `size` bytes were written to Room
  // The peer has closed; `clean` if it did so properly. Only once HasHead.
  void OnEnd(bool clean);

  bool HasBytes() const { return has_bytes_; }  // of this answer
  bool HasHead() const;
  int status() const { return parser_->status(); }  // once HasHead
  // In state kWhole: nothing followed the response, and the peer keeps the connection open.
  bool IsReusable() const { return parser_->keep_alive() && begin_ == end_; }
  const std::string& error() const { return error_; }
  // Discards whatever followed the last response.
  void Clear() { begin_ = end_ = 0; }

 private:
  static constexpr size_t kFirstReadBytes = 4096;

  State Invalid(std::string error);
  bool MakeRoom();

  const ResponseLimits limits_;
  HttpResult* result_ = nullptr;
  size_t kept_bytes_ = 0;
  bool is_head_request_ = false;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  bool has_bytes_ = false;
  int interim_answers_ = 0;
  std::optional<ResponseParser> parser_;
  std::string error_;
};

}  // namespace latchwire
