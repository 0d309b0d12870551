// The dialects behind sources of other kinds than HTTP, and what the table promises of all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error.h"
#include "core/dialects/registry.h"
#include "core/json/json_text.h"
#include "core/signatures/panel.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<Dialect> Make(absl::string_view family, CredentialSettings credential) {
  auto dialect = FindDialectRow(family)->make({&credential, 1});
  EXPECT_TRUE(dialect.ok()) << dialect.status();
  return *std::move(dialect);
}

// JSON lines, as from a serial port or a file: {"family":...,"topic":...,"with":{...},"payload":...}.
// The payload is taken byte for byte. There are no headers, methods or URLs.
class LineSource {
 public:
  explicit LineSource(std::map<std::string, std::unique_ptr<Dialect>> dialects)
      : dialects_(std::move(dialects)) {}

  absl::StatusOr<std::vector<DeviceEvent>> Line(absl::string_view line) const {
    const auto members = JsonMembers(line);
    EXPECT_TRUE(members) << line;
    DeviceMessage message;
    std::string topic;
    if (const auto text = FindMember(*members, "topic")) topic = *JsonString(*text);
    message.path = topic;
    if (const auto with = FindMember(*members, "with")) {
      const auto parameters = JsonMembers(*with);
      for (const JsonMember& member : *parameters) {
        message.parameters.Add(member.name, *JsonString(member.value));
      }
    }
    message.body = FindMember(*members, "payload").value_or("");
    const auto family = FindMember(*members, "family");
    return dialects_.at(*JsonString(*family))->Read(message);
  }

 private:
  const std::map<std::string, std::unique_ptr<Dialect>> dialects_;
};

class LineSourceTest : public testing::Test {
 protected:
  Event Take(absl::string_view line) {
    auto events = source_.Line(line);
    EXPECT_TRUE(events.ok()) << events.status();
    EXPECT_THAT(*events, SizeIs(1));
    return events.ok() && !events->empty() ? std::move(events->front().event) : Event();
  }

  static std::map<std::string, std::unique_ptr<Dialect>> Dialects() {
    std::map<std::string, std::unique_ptr<Dialect>> dialects;
    dialects["acogo"] = Make("acogo", {{"token", "t"}});
    dialects["situator"] = Make("situator", {{"token", "t"}});
    dialects["panel"] = Make("panel", {{"allow_unsigned", "true"}, {"source", "line-1"}});
    dialects["json"] = Make("json", {{"token", "t"}});
    return dialects;
  }
  const LineSource source_{Dialects()};
};

TEST_F(LineSourceTest, Acogo) {
  const Event event = Take(
      R"({"family":"acogo","topic":"f2_open","with":{"token":"t","gateway":"g","address":"gate 1"}})");
  EXPECT_EQ(event.type, "acogo.f2_open");
  EXPECT_EQ(event.source, "g");
  EXPECT_EQ(event.subject, "gate 1");
  EXPECT_EQ(source_.Line(R"({"family":"acogo","topic":"f2_open"})").status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(
      source_.Line(R"({"family":"acogo","topic":"close","with":{"token":"t"}})").status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(LineSourceTest, Situator) {
  const Event event = Take(
      R"({"family":"situator","payload":{"token":"t","events":[{"type":"access", "doorId":7}]}})");
  EXPECT_EQ(event.subject, "door-7");
  EXPECT_EQ(event.data, R"({"type":"access", "doorId":7})");
}

TEST_F(LineSourceTest, Panel) {
  const Event event =
      Take(R"({"family":"panel","payload":{"data":{"a": 1.00},"event_type":"log.tamper_event"}})");
  EXPECT_EQ(event.source, "line-1");
  EXPECT_EQ(event.data, R"({"a": 1.00})");
}

TEST_F(LineSourceTest, Json) {
  const Event event =
      Take(R"({"family":"json","with":{"token":"t","type":"box.lid"},"payload":[1.00, 2]})");
  EXPECT_EQ(event.type, "box.lid");
  EXPECT_EQ(event.data, "[1.00, 2]");
}

// A message queue has user properties, which are headers by another name.
TEST(PropertySourceTest, APanelMaySignWithoutHttp) {
  const auto panel = Make("panel", {{"secret", "s"}});
  const std::string body = R"({"data":{},"event_id":7,"event_type":"log.tamper_event"})";
  HttpHeaders properties = {{"x-webhook-signature", SignPanel("s", body)}};
  EXPECT_TRUE(panel->Read({.headers = properties, .body = body}).ok());
  properties[0].value[0] ^= 1;
  EXPECT_EQ(ReasonOf(panel->Read({.headers = properties, .body = body}).status()),
            "SIGNATURE_INVALID");
}

TEST(DialectTableTest, EveryRowIsWhole) {
  std::set<absl::string_view> names;
  for (const DialectRow& row : DialectTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindDialectRow(row.name), &row);
    EXPECT_FALSE(row.paths.empty()) << row.name;
    EXPECT_FALSE(row.methods.empty()) << row.name;
    EXPECT_FALSE(row.credential_keys.empty()) << row.name;
    for (const char c : row.name) EXPECT_TRUE(absl::ascii_islower(c) || c == '_') << row.name;
    // A credential that says nothing lets nobody in, and the error names the key to give.
    const CredentialSettings nothing;
    const auto dialect = row.make({&nothing, 1});
    ASSERT_FALSE(dialect.ok()) << row.name;
    bool is_key = false;
    for (const CredentialKey& key : row.credential_keys) {
      is_key |= key.name == MetadataOf(dialect.status())["field"];
    }
    EXPECT_TRUE(is_key) << dialect.status();
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("acogo", "situator", "panel", "json"));
  EXPECT_EQ(FindDialectRow("basip"), nullptr);
}

TEST(PanelTest, TheRepeatKeyIsTheSameOfTheMessageAndOfTheEventThatIsHeld) {
  const auto panel = Make("panel", {{"allow_unsigned", "true"}});
  const auto key = [&](absl::string_view numbers) {
    const std::string body =
        absl::StrCat(R"({"data":{},"event_type":"log.tamper_event")", numbers, "}");
    const auto events = panel->Read({.body = body});
    EXPECT_TRUE(events.ok()) << events.status();
    EXPECT_EQ(events->front().repeat_key, panel->RepeatKeyOf(events->front().event));
    return events->front().repeat_key;
  };
  EXPECT_EQ(key(R"(,"event_id":7,"created_at":1)"), key(R"(,"created_at":1, "event_id":7)"));
  EXPECT_NE(key(R"(,"event_id":7,"created_at":1)"), key(R"(,"event_id":7,"created_at":2)"));
  EXPECT_THAT(key(R"(,"created_at":1)"), IsEmpty()) << "it does not count its events";
  Event other;
  other.type = "situator.access";
  other.attributes = {{"event_id", "7"}};
  EXPECT_THAT(panel->RepeatKeyOf(other), IsEmpty());
}

TEST(PanelTest, WarnsOfACredentialThatLetsAnybodyIn) {
  EXPECT_THAT(Make("panel", {{"secret", "s"}})->Warnings(), IsEmpty());
  EXPECT_THAT(Make("panel", {{"allow_unsigned", "true"}})->Warnings(),
              ElementsAre(HasSubstr("unsigned")));
}

TEST(RepeatKeyTest, PartsDoNotRunIntoEachOther) {
  EXPECT_NE(RepeatKey({"ab", "c"}), RepeatKey({"a", "bc"}));
  EXPECT_NE(RepeatKey({"1:a"}), RepeatKey({"1:", "a"}));
  EXPECT_NE(RepeatKey({"a", ""}), RepeatKey({"a"}));
}

TEST(TokenListTest, FindsByTheWholeTokenAlone) {
  TokenList tokens;
  EXPECT_EQ(tokens.Find(""), std::nullopt);
  EXPECT_EQ(tokens.Add("first"), 0u);
  EXPECT_EQ(tokens.Add("second"), 1u);
  EXPECT_EQ(tokens.Find("second"), 1u);
  for (const char* wrong : {"", "firs", "firstt", "First"}) {
    EXPECT_EQ(tokens.Find(wrong), std::nullopt) << wrong;
  }
  EXPECT_DEATH(tokens.Add(""), "check failed");
}

TEST(ParametersTest, DecodesAQuery) {
  const auto parameters = Parameters::FromQuery("a=1&b=%C5%82+x&&a=2&c");
  ASSERT_TRUE(parameters.ok());
  EXPECT_THAT(parameters->all(), ElementsAre(testing::Pair("a", "1"), testing::Pair("b", "ł x"),
                                             testing::Pair("a", "2"), testing::Pair("c", "")));
  EXPECT_EQ(parameters->Find("a"), "2");
  EXPECT_EQ(parameters->Find("d"), std::nullopt);
  for (const char* wrong : {"a=%2", "a=%zz", "a=%FF"}) {
    EXPECT_FALSE(Parameters::FromQuery(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace latchwire
