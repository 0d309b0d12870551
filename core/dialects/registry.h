// The one table of device families. A new family is a file beside this one, a row here and a system
// in core/catalogue.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/dialects/credentials.h"
#include "core/dialects/dialect.h"

namespace latchwire {

struct DialectRow {
  // The family's name in `[intake.<name>]`, `/in/<name>` and the label of its counters.
  absl::string_view name;
  // Every DeviceMessage::path it has, "" for the family's own; over HTTP `/in/<name>[/<path>]`.
  absl::Span<const absl::string_view> paths;
  // HTTP methods it is sent with. The message means the same by each of them.
  absl::Span<const absl::string_view> methods;
  // What the configuration may say of a credential.
  absl::Span<const CredentialKey> credential_keys;
  // The system of core/catalogue that lists the family's types; empty if they are the user's own.
  absl::string_view catalogue_system;
  // At least one credential. INVALID_ARGUMENT with the metadata `field` for a setting that is
  // missing or wrong.
  absl::StatusOr<std::unique_ptr<Dialect>> (*make)(absl::Span<const CredentialSettings>);
};

// Constant, in the order in which documentation names them.
absl::Span<const DialectRow> DialectTable();
// Null for an unknown family.
const DialectRow* FindDialectRow(absl::string_view name);

// The rest of this file is used by the families.

// Makes a class with `absl::Status Add(const CredentialSettings&)` and adds every credential.
template <typename Family>
absl::StatusOr<std::unique_ptr<Dialect>> MakeDialectOf(
    absl::Span<const CredentialSettings> credentials) {
  auto dialect = std::make_unique<Family>();
  for (const CredentialSettings& credential : credentials) {
    if (absl::Status status = dialect->Add(credential); !status.ok()) return status;
  }
  return dialect;
}

// Each is defined in the file of its family and used only by the table.
DialectRow AcogoRow();
DialectRow SituatorRow();
DialectRow PanelRow();
DialectRow JsonRow();

}  // namespace latchwire
