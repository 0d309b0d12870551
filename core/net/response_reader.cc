#include "core/net/response_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace latchwire {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr int kMaxInterimAnswers = 10;

}  // namespace

void ResponseReader::Begin(HttpResult* result, size_t kept_bytes, bool is_head_request) {
  result_ = result;
  kept_bytes_ = kept_bytes;
  is_head_request_ = is_head_request;
  has_bytes_ = false;
  interim_answers_ = 0;
  parser_.reset();
}

bool ResponseReader::HasHead() const {
  return parser_.has_value() && parser_->is_header_done() && !parser_->is_interim();
}

ResponseReader::State ResponseReader::Invalid(std::string error) {
  error_ = std::move(error);
  return State::kInvalid;
}

ResponseReader::State ResponseReader::OnBytes(size_t size) {
  has_bytes_ = true;
  end_ += size;
  while (begin_ < end_) {
    if (!parser_) parser_.emplace(result_, limits_, kept_bytes_, is_head_request_);
    error_code error;
    begin_ += parser_->put(asio::buffer(buffer_.data() + begin_, end_ - begin_), error);
    if (error == http::error::need_more && MakeRoom()) return State::kMore;
    if (error) {
      if (HasHead()) {
        result_->body_truncated = true;
        return State::kCut;
      }
      if (error == http::error::need_more) error = http::error::header_limit;
      return Invalid(absl::StrCat("the response is not HTTP/1.1: ", error.message()));
    }
    if (!parser_->is_done()) continue;
    if (!parser_->is_interim()) return State::kWhole;
    if (parser_->status() == 101) {
      return Invalid("the receiver switched to a protocol that was not requested");
    }
    if (++interim_answers_ > kMaxInterimAnswers) {
      return Invalid("the receiver sent too many interim responses");
    }
    parser_.reset();
  }
  Clear();
  return State::kMore;
}

void ResponseReader::OnEnd(bool clean) {
  error_code incomplete;
  parser_->put_eof(incomplete);
  if (incomplete || !clean) result_->body_truncated = true;
}

// Room behind the bytes that wait for more. False when they are more than any answer needs.
bool ResponseReader::MakeRoom() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + begin_, buffer_.begin() + end_, buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ < buffer_.size()) return true;
  const size_t limit = std::max<size_t>(limits_.header_bytes + 1, kFirstReadBytes);
  if (buffer_.size() >= limit) return false;
  buffer_.resize(std::min(limit, buffer_.size() * 2));
  return true;
}

}  // namespace latchwire
