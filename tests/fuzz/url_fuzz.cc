// A URL that is taken when a webhook is made can be sent to, byte for byte, and the other way
// round.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/http/url.h"
#include "core/http/url_syntax.h"
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
  FUZZ_CHECK(url.port != 0);
  FUZZ_CHECK(!url.host.empty() && url.host == absl::AsciiStrToLower(url.host));
  const std::string sent = absl::StrCat(url.target, url.host_header, url.origin);
  FUZZ_CHECK(std::all_of(sent.begin(), sent.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c);  // nothing that ends a line of the request's head
  }));
  // What it was read as reads the same again, so the guard judges what is connected to.
  const auto again = ParseUrl(absl::StrCat(url.origin, url.target).substr(0, kMaxUrlCodePoints));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->origin == url.origin && again->host_header == url.host_header);
  FUZZ_CHECK(again->address == url.address);
  if (url.address) {
    FUZZ_CHECK(IpAddress::Parse(url.host) == url.address);
    (void)AddressGuard().Check(*url.address);
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

}  // namespace
}  // namespace latchwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchwire;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = ParseUrl(text);
  FUZZ_CHECK(url.ok() == !UrlSyntaxError(text).has_value());
  if (url.ok()) CheckParsed(text, *url);
  return 0;
}
