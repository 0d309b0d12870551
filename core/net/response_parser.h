// Parses HTTP/1.1 responses and keeps only the parts that we need.
#pragma once

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "core/net/transport.h"

namespace latchwire {

struct ResponseLimits {
  uint32_t header_bytes = 16 * 1024;
  uint64_t body_bytes = 1024 * 1024;  // read at most, kept or not
};

// Writes status, Retry-After and the kept part of the body into an HttpResult. One parser for one
// response head, interim ones included.
class ResponseParser : public boost::beast::http::basic_parser<false> {
 public:
  ResponseParser(HttpResult* result, const ResponseLimits& limits, size_t kept_bytes, bool head)
      : result_(result), limits_(limits), kept_bytes_(kept_bytes) {
    eager(true);
    skip(head);  // the answer to HEAD carries the length of a body that does not follow
    header_limit(limits.header_bytes);
    // Bodies are cut off, not refused; the limit is the largest number, because Beast 1.74
    // mishandles none.
    body_limit(std::numeric_limits<uint64_t>::max());
  }

  int status() const { return status_; }
  bool is_interim() const { return status_ / 100 == 1; }
  // The rest of the body is not worth reading: stop, and give up the connection.
  bool is_enough() const { return enough_; }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, string_view, string_view, int,
                       error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code& error) override {
    status_ = code;
    if (code < 100 || code > 599) error = boost::beast::http::error::bad_status;
  }
  void on_field_impl(boost::beast::http::field name, string_view, string_view value,
                     error_code&) override {
    if (name == boost::beast::http::field::retry_after && !is_interim()) {
      result_->retry_after.assign(value.data(), value.size());
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    too_long_ = length && *length > limits_.body_bytes;
  }
  size_t on_body_impl(string_view body, error_code& error) override { return Keep(body, error); }
  void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code& error) override {
    return Keep(body, error);
  }
  void on_finish_impl(error_code&) override {}

  size_t Keep(string_view body, error_code& error) {
    const size_t room = kept_bytes_ - std::min(kept_bytes_, result_->body.size());
    const size_t kept = std::min(room, body.size());
    result_->body.append(body.data(), kept);
    if (kept < body.size()) result_->body_truncated = true;
    total_ += body.size();
    if (total_ > limits_.body_bytes || (too_long_ && result_->body.size() >= kept_bytes_)) {
      enough_ = true;
      result_->body_truncated = true;
      error = boost::beast::http::error::body_limit;
    }
    return body.size();
  }

  HttpResult* const result_;
  const ResponseLimits limits_;
  const size_t kept_bytes_;
  int status_ = 0;
  uint64_t total_ = 0;
  bool too_long_ = false;
  bool enough_ = false;
};

}  // namespace latchwire
