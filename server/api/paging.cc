#include "server/api/paging.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/domain/limits.h"
#include "server/api/status.h"

namespace latchwire {
namespace {

constexpr size_t kHashBytes = 12;

absl::Status Invalid() {
  return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kPageTokenInvalid,
                   "page_token is not from this list call, or was made with other arguments");
}

}  // namespace

absl::StatusOr<int> PageSize(int32_t requested) {
  if (requested == 0) return kDefaultPageSize;
  if (requested < 0 || requested > kMaxPageSize) {
    return InvalidField("page_size",
                        absl::StrCat("must be 0 to ", kMaxPageSize, ", is ", requested));
  }
  return requested;
}

PageArguments::PageArguments(TenantId tenant, std::initializer_list<absl::string_view> values) {
  std::string all = absl::StrCat(tenant);
  for (const absl::string_view value : values) absl::StrAppend(&all, "/", value.size(), ":", value);
  hash_ = std::string(AsBytes(Sha256(all)).substr(0, kHashBytes));
}

std::string PageArguments::MakeToken(absl::string_view position) const {
  return Base64UrlEncode(absl::StrCat(hash_, position));
}

absl::StatusOr<std::string> PageArguments::ParseToken(absl::string_view token) const {
  if (token.empty()) return std::string();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes)) return Invalid();
  if (bytes.size() <= kHashBytes || bytes.compare(0, kHashBytes, hash_) != 0) return Invalid();
  return bytes.substr(kHashBytes);
}

absl::StatusOr<int64_t> PageArguments::ParseInt64Token(absl::string_view token) const {
  absl::StatusOr<std::string> position = ParseToken(token);
  if (!position.ok()) return position.status();
  int64_t value = 0;
  if (!position->empty() && !absl::SimpleAtoi(*position, &value)) return Invalid();
  return value;
}

absl::StatusOr<std::string> ParseName(absl::string_view name, absl::string_view collection,
                                      absl::string_view field) {
  const absl::string_view rest = name.substr(std::min(name.size(), collection.size() + 1));
  if (name.substr(0, collection.size()) != collection || name.size() <= collection.size() + 1 ||
      name[collection.size()] != '/' || rest.find('/') != absl::string_view::npos) {
    return InvalidField(field, absl::StrCat("must be ", collection, "/ and an id"));
  }
  return std::string(rest);
}

bool IsAllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace latchwire
