#include "core/catalogue/catalogue.h"

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

// The one table of systems.
constexpr CatalogueSystem (*kSystems[])() = {
    &AcogoSystem, &TwentySystem, &MultisiteSystem, &SituatorSystem, &PanelSystem, &LatchwireSystem,
};

using Index = absl::flat_hash_map<absl::string_view, const CatalogueType*>;

void AddTo(Index& index, const CatalogueType& type) {
  const bool inserted = index.emplace(type.name, &type).second;
  LATCHWIRE_CHECK(inserted);  // a type belongs to one system
}

class Catalogue {
 public:
  static const Catalogue& Get() {
    static const auto* const kCatalogue = new Catalogue;
    return *kCatalogue;
  }

  absl::Span<const CatalogueSystem> systems() const { return systems_; }
  absl::Span<const CatalogueType> canonical_types() const { return canonical_types_; }

  const CatalogueType* FindType(absl::string_view name) const { return Find(types_index_, name); }
  const CatalogueType* FindCanonicalType(absl::string_view name) const {
    return Find(canonical_index_, name);
  }

 private:
  Catalogue() : canonical_types_(CanonicalVocabulary()) {
    for (const CatalogueType& type : canonical_types_) AddTo(canonical_index_, type);
    for (const auto make : kSystems) systems_.push_back(make());
    for (CatalogueSystem& system : systems_) {
      for (CatalogueType& type : system.types) {
        Complete(type);
        AddTo(types_index_, type);
      }
    }
  }

  void Complete(CatalogueType& type) const {
    if (type.canonical_type.empty()) {
      type.priority = PriorityOf("");
      return;
    }
    const CatalogueType* meaning = FindCanonicalType(type.canonical_type);
    LATCHWIRE_CHECK(meaning != nullptr);  // a row names a canonical type of latchwire.cc
    type.priority = meaning->priority;
    type.act_by_age = meaning->act_by_age;
  }

  static const CatalogueType* Find(const Index& index, absl::string_view name) {
    const auto found = index.find(name);
    return found == index.end() ? nullptr : found->second;
  }

  const std::vector<CatalogueType> canonical_types_;
  std::vector<CatalogueSystem> systems_;
  Index canonical_index_;
  Index types_index_;
};

}  // namespace

absl::Span<const CatalogueSystem> Systems() { return Catalogue::Get().systems(); }

absl::Span<const CatalogueType> CanonicalTypes() { return Catalogue::Get().canonical_types(); }

const CatalogueType* FindType(absl::string_view name) { return Catalogue::Get().FindType(name); }

const CatalogueType* FindCanonicalType(absl::string_view name) {
  return Catalogue::Get().FindCanonicalType(name);
}

}  // namespace latchwire
