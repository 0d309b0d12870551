// The table of device families. A new family is a file in this directory, a row here and a system
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
  // HTTP methods that it accepts. A message means the same with each of them.
  absl::Span<const absl::string_view> methods;
  // The keys that the configuration of a credential may have.
  absl::Span<const CredentialKey> credential_keys;
  // The system of core/catalogue that lists the family's types; empty if they are the user's own.
  absl::string_view catalogue_system;
  // Makes the dialect from at least one credential. INVALID_ARGUMENT with the metadata `field` for
  // a missing or wrong setting.
  absl::StatusOr<std::unique_ptr<Dialect>> (*make)(absl::Span<const CredentialSettings>);
};

// All rows, constant, in the order of the documentation.
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
