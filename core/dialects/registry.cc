#include "core/dialects/registry.h"

namespace latchwire {

absl::Span<const DialectRow> DialectTable() {
  static const DialectRow kRows[] = {
      AcogoRow(),
      SituatorRow(),
      PanelRow(),
      JsonRow(),
  };
  return kRows;
}

const DialectRow* FindDialectRow(absl::string_view name) {
  for (const DialectRow& row : DialectTable()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace latchwire
