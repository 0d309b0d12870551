#include "core/catalogue/catalogue.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/testing/source_tree.h"
#include "core/catalogue/situator.h"
#include "core/domain/limits.h"
#include "core/domain/operational_event.h"
#include "core/domain/validation.h"
#include "core/json/json_syntax.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

nlohmann::json Vectors() {
  return nlohmann::json::parse(std::ifstream(SourcePath("tests/vectors/canonical_types.json")));
}

std::string Document() {
  std::ifstream file(SourcePath("docs/formats/canonical-types.md"));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

SituatorFacts FactsOf(const nlohmann::json& members) {
  SituatorFacts facts;
  facts.type = members["type"].get<std::string>();
  const auto number = [&members](const char* name) {
    return members.contains(name) ? std::optional(members[name].get<int64_t>()) : std::nullopt;
  };
  const auto flag = [&members](const char* name) {
    return members.contains(name) ? std::optional(members[name].get<bool>()) : std::nullopt;
  };
  facts.subtype = number("subtype");
  facts.direction = number("direction");
  facts.opening_type = number("openingType");
  facts.authorized = flag("authorized");
  facts.duress = flag("duress");
  return facts;
}

constexpr const char* kPlainSystems[] = {"acogo", "twenty", "multisite", "panel"};

TEST(Catalogue, MapsEveryTypeOfTheVectors) {
  const auto vectors = Vectors();
  const std::map<std::string, size_t> sizes = {
      {"acogo", 4}, {"twenty", 60}, {"multisite", 11}, {"panel", 41}};
  for (const char* system : kPlainSystems) {
    ASSERT_EQ(vectors[system].size(), sizes.at(system)) << system;
    for (const auto& c : vectors[system]) {
      const CatalogueType* type = FindType(c["type"].get<std::string>());
      ASSERT_NE(type, nullptr) << c;
      EXPECT_EQ(type->canonical_type, c["canonical_type"].get<std::string>()) << c;
    }
  }
}

TEST(Catalogue, MapsEveryTypeOfSituatorByItsFields) {
  std::set<std::string> types;
  const auto vectors = Vectors();
  for (const auto& c : vectors["situator"]) {
    const SituatorFacts facts = FactsOf(c["facts"]);
    const std::string canonical_type = CanonicalTypeOf(facts);
    EXPECT_EQ(canonical_type, c["canonical_type"].get<std::string>()) << c;
    EXPECT_EQ(SituatorAttributes(facts),
              (c["attributes"].get<std::map<std::string, std::string>>()))
        << c;
    if (canonical_type.empty()) continue;
    EXPECT_NE(FindCanonicalType(canonical_type), nullptr) << canonical_type;
    const CatalogueType* type = FindType(absl::StrCat("situator.", facts.type));
    ASSERT_NE(type, nullptr) << c;
    if (c["facts"].size() == 1) {
      EXPECT_EQ(type->canonical_type, canonical_type);
    }
    types.insert(facts.type);
  }
  EXPECT_EQ(types.size(), 19u);  // 18 and visitor
}

TEST(Catalogue, FindsNoTypeThatNoSystemHas) {
  const auto vectors = Vectors();
  ASSERT_FALSE(vectors["unknown"].empty());
  for (const auto& type : vectors["unknown"]) {
    EXPECT_EQ(FindType(type.get<std::string>()), nullptr) << type;
  }
  EXPECT_EQ(FindCanonicalType("generic.thing"), nullptr);
  EXPECT_EQ(FindCanonicalType("acogo.ez_open"), nullptr);
}

// The vectors name no fewer types than the catalogue, so neither can grow alone.
TEST(Catalogue, HasNoMoreTypesThanTheVectors) {
  const auto vectors = Vectors();
  std::set<std::string> known;
  for (const char* system : kPlainSystems) {
    for (const auto& c : vectors[system]) known.insert(c["type"].get<std::string>());
  }
  for (const auto& c : vectors["situator"]) {
    known.insert(absl::StrCat("situator.", c["facts"]["type"].get<std::string>()));
  }
  std::set<std::string> systems;
  for (const CatalogueSystem& system : Systems()) {
    EXPECT_TRUE(systems.insert(system.name).second);
    EXPECT_FALSE(system.description.empty());
    EXPECT_FALSE(system.types.empty());
    if (system.name == "latchwire") continue;
    for (const CatalogueType& type : system.types) {
      EXPECT_TRUE(known.count(type.name)) << type.name;
    }
  }
  EXPECT_EQ(systems, (std::set<std::string>{"acogo", "twenty", "multisite", "situator", "panel",
                                            "latchwire"}));
}

TEST(Catalogue, EveryEntryIsCompleteAndValid) {
  std::vector<CatalogueType> all(CanonicalTypes().begin(), CanonicalTypes().end());
  for (const CatalogueSystem& system : Systems()) {
    for (const CatalogueType& type : system.types) {
      EXPECT_EQ(FindType(type.name), &type);
      EXPECT_EQ(type.canonical_type.empty(), system.name == "latchwire") << type.name;
      all.push_back(type);
    }
  }
  for (const CatalogueType& type : all) {
    std::string error;
    EXPECT_TRUE(IsWellFormedJson(type.example, &error)) << type.name << ": " << error;
    EXPECT_TRUE(absl::StartsWith(type.example, "{")) << type.name;
    ASSERT_FALSE(type.description.empty()) << type.name;
    EXPECT_EQ(type.description.back(), '.') << type.name;
    if (type.canonical_type.empty()) continue;  // the server's own, which no publisher may send
    Event event;
    event.type = type.name;
    event.canonical_type = type.canonical_type;
    event.priority = type.priority;
    event.data = type.example;
    EXPECT_TRUE(Validate(event, "event").empty()) << type.name;
  }
}

TEST(Catalogue, OneMeaningHasOneUrgency) {
  for (const CatalogueType& type : CanonicalTypes()) {
    EXPECT_EQ(type.name, type.canonical_type);
    EXPECT_EQ(type.priority, PriorityOf(type.name)) << type.name;
    EXPECT_EQ(FindCanonicalType(type.name), &type);
  }
  for (const CatalogueSystem& system : Systems()) {
    for (const CatalogueType& type : system.types) {
      EXPECT_EQ(type.priority, PriorityOf(type.canonical_type)) << type.name;
      if (type.canonical_type.empty()) {
        EXPECT_EQ(type.act_by_age, absl::InfiniteDuration()) << type.name;
        continue;
      }
      const CatalogueType* meaning = FindCanonicalType(type.canonical_type);
      ASSERT_NE(meaning, nullptr) << type.name;
      EXPECT_EQ(type.act_by_age, meaning->act_by_age) << type.name;
    }
  }
}

TEST(Catalogue, AlarmsLeaveFirst) {
  const std::pair<const char*, int> cases[] = {{"panic.pressed", 9},
                                               {"duress.signaled", 9},
                                               {"tamper.detected", 8},
                                               {"door.forced", 8},
                                               {"lock.emergency_opened", 8},
                                               {"occurrence.created", 7},
                                               {"door.held_open", 4},
                                               {"door.opened", 4},
                                               {"", 4},
                                               {"panic.own_word", 9},
                                               {"tamper.own_word", 8},
                                               {"occurrence.own_word", 7},
                                               {"door.forced_open", 4},
                                               {"panic", 4},
                                               {"own.word", kDefaultPriority}};
  for (const auto& [canonical_type, priority] : cases) {
    EXPECT_EQ(PriorityOf(canonical_type), priority) << canonical_type;
  }
}

TEST(Catalogue, OnlyWhatIsDoneAtADoorGrowsStale) {
  for (const char* name : {"ring.pressed", "call.started", "call.missed", "door.opened",
                           "lock.opened", "access.granted", "output.triggered", "video.switched"}) {
    ASSERT_NE(FindCanonicalType(name), nullptr) << name;
    EXPECT_EQ(FindCanonicalType(name)->act_by_age, absl::Seconds(60)) << name;
  }
  for (const char* name :
       {"person.created", "credential.updated", "zone.reported", "payment.received",
        "panic.pressed", "duress.signaled", "door.forced", "door.held_open", "tamper.detected",
        "lock.emergency_opened", "access.denied", "door.closed", "device.booted"}) {
    ASSERT_NE(FindCanonicalType(name), nullptr) << name;
    EXPECT_EQ(FindCanonicalType(name)->act_by_age, absl::InfiniteDuration()) << name;
  }
}

std::set<std::string> MembersOf(const std::string& json) {
  std::set<std::string> names;
  const auto parsed = nlohmann::json::parse(json);
  for (const auto& [name, value] : parsed.items()) names.insert(name);
  return names;
}

TEST(Catalogue, OperationalExamplesHaveTheMembersThatTheServerSends) {
  const Event events[] = {
      WebhookSuspendedEvent(Webhook(), "reason", absl::UnixEpoch()),
      DeliveryDeadEvent(Webhook(), Delivery(), Event(), absl::UnixEpoch()),
  };
  for (const Event& event : events) {
    const CatalogueType* type = FindType(event.type);
    ASSERT_NE(type, nullptr) << event.type;
    EXPECT_EQ(MembersOf(type->example), MembersOf(event.data));
    EXPECT_EQ(type->priority, event.priority);
    EXPECT_EQ(type->canonical_type, event.canonical_type);
  }
}

TEST(CanonicalTypesDocument, ShowsEveryTypeOfEverySystem) {
  const std::string text = Document();
  for (const CatalogueSystem& system : Systems()) {
    if (system.name == "latchwire") continue;
    for (const CatalogueType& type : system.types) {
      std::string row = absl::StrCat("| `", type.name, "` | `", type.canonical_type, "` |");
      if (system.name == "twenty") {  // by object; the action is the same word
        const std::vector<std::string> own = absl::StrSplit(type.name, '.');
        const std::vector<std::string> ours = absl::StrSplit(type.canonical_type, '.');
        EXPECT_EQ(own[1], ours[1]);
        EXPECT_TRUE(absl::StrContains(text, absl::StrCat("`", own[1], "`"))) << type.name;
        row = absl::StrCat("| `", own[0], "` | `", ours[0], "` |");
      }
      EXPECT_TRUE(absl::StrContains(text, row)) << row;
    }
  }
}

TEST(CanonicalTypesDocument, ShowsEveryCanonicalType) {
  const std::vector<std::string> lines = absl::StrSplit(Document(), '\n');
  for (const CatalogueType& type : CanonicalTypes()) {
    const bool ages = type.act_by_age != absl::InfiniteDuration();
    const std::string row =
        absl::StrCat("| `", type.name, "` | ", type.priority, " | ",
                     ages ? absl::FormatDuration(type.act_by_age) : "no limit", " | ");
    const std::vector<std::string> halves = absl::StrSplit(type.name, '.');
    const std::string record = absl::StrCat("| `", halves[0], ".*` | ", type.priority, " | ");
    const std::string action = absl::StrCat("`", halves[1], "`");
    bool shown = false;
    for (const std::string& line : lines) {
      shown = shown || absl::StartsWith(line, row) ||
              (!ages && absl::StartsWith(line, record) && absl::StrContains(line, action));
    }
    EXPECT_TRUE(shown) << row;
  }
}

}  // namespace
}  // namespace latchwire
