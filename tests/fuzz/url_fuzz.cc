// A URL that is accepted is sent byte for byte, reads the same once it is taken apart, and its host
// is judged as the address that it is, however it is spelled. One that is refused gives no secret
// away.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/http/url.h"
#include "core/net/address_guard.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

// Path and query as they stand in the text, found without a parser.
std::string TargetOf(absl::string_view text) {
  text = text.substr(0, text.find('#'));
  text.remove_prefix(text.find("://") + 3);
  const size_t begin = text.find_first_of("/?");
  const absl::string_view target = begin == absl::string_view::npos ? "" : text.substr(begin);
  return absl::StartsWith(target, "/") ? std::string(target) : absl::StrCat("/", target);
}

void CheckParsed(absl::string_view text, const Url& url) {
  FUZZ_CHECK(url.target == TargetOf(text));
  FUZZ_CHECK(text.size() >= kMinUrlLength && text.size() <= kMaxUrlLength);
  FUZZ_CHECK(url.port != 0);
  FUZZ_CHECK(!url.host.empty() && url.host == absl::AsciiStrToLower(url.host));
  const std::string sent = absl::StrCat(url.target, url.host_header, url.origin);
  FUZZ_CHECK(std::all_of(sent.begin(), sent.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c);  // nothing that ends a line of the request's head
  }));
  // What it was read as reads the same again, so the guard judges what is connected to.
  const auto again = ParseUrl(absl::StrCat(url.origin, url.target).substr(0, kMaxUrlLength));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->origin == url.origin && again->host_header == url.host_header);
  FUZZ_CHECK(again->address == url.address);
  if (url.address) {
    FUZZ_CHECK(IpAddress::Parse(url.host) == url.address);
    // What the guard says of the canonical form holds for the address that is connected to.
    FUZZ_CHECK(AddressGuard().Check(*url.address) ==
               AddressGuard().Check(*IpAddress::Parse(again->host)));
  } else {
    FUZZ_CHECK(!IpAddress::Parse(url.host));
  }
  const std::string masked = MaskUrlQuery(text);
  const size_t secret = text.find_first_of("?#");
  if (secret == absl::string_view::npos) {
    FUZZ_CHECK(masked == text);
  } else {
    FUZZ_CHECK(masked == absl::StrCat(text.substr(0, secret + 1), "***"));
  }
}

void CheckRefused(absl::string_view message) {
  FUZZ_CHECK(absl::StartsWith(message, "must "));
  FUZZ_CHECK(std::all_of(message.begin(), message.end(),
                         [](unsigned char c) { return absl::ascii_isprint(c); }));
  constexpr absl::string_view kShown = "escaped it is ";
  const size_t begin = message.find(kShown);
  if (begin == absl::string_view::npos) {
    FUZZ_CHECK(message.find_first_of("?#@%") == absl::string_view::npos);
    return;
  }
  const absl::string_view shown = message.substr(begin + kShown.size());
  const size_t query = shown.find_first_of("?#");
  FUZZ_CHECK(query == absl::string_view::npos || shown.substr(query + 1) == "***");
  const size_t authority = shown.find("://") + 3;
  FUZZ_CHECK(!absl::StrContains(shown.substr(0, shown.find_first_of("/?#", authority)), "@"));
}

}  // namespace
}  // namespace latchwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchwire;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = ParseUrl(text);
  if (url.ok()) {
    CheckParsed(text, *url);
  } else {
    CheckRefused(url.status().message());
  }
  return 0;
}
