// Device credentials: their settings as an operator wrote them, and the look-up of tokens that all
// families with tokens share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/crypto.h"

namespace latchwire {

// A key that a family accepts in its table of the configuration.
struct CredentialKey {
  enum class Kind {
    kText,
    kSecret,  // may be written as `<key>_file`, which names a file that holds it; never shown
    kFlag,    // true or false
  };
  absl::string_view name;
  Kind kind = Kind::kText;
};

// One table of a family in the configuration. Its reader has checked every key and kind against the
// family's CredentialKeys; the family checks the values.
class CredentialSettings {
 public:
  CredentialSettings() = default;
  // Used by tests and fuzzers; a flag's value is "true".
  CredentialSettings(std::initializer_list<std::pair<const std::string, std::string>> values)
      : values_(values) {}

  void SetText(absl::string_view key, std::string value);
  void SetFlag(absl::string_view key, bool value);

  // Empty if the key is not given.
  const std::string& Text(absl::string_view key) const;
  // False if the key is not given.
  bool Flag(absl::string_view key) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// The error for a missing or wrong setting: INVALID_ARGUMENT, with `key` as metadata `field`.
absl::Status CredentialError(absl::string_view key, absl::string_view message);

// Tokens in the order of the configuration. Keeps digests, not the tokens themselves.
class TokenList {
 public:
  // Returns the token's index. `token` is not empty.
  size_t Add(absl::string_view token);
  // Index of `token`; nullopt if it is unknown or empty. Of two equal tokens it finds the later
  // one. Its running time reveals neither which token was close nor its length.
  std::optional<size_t> Find(absl::string_view token) const;

 private:
  std::vector<Sha256Digest> digests_;
};

}  // namespace latchwire
