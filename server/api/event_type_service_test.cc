#include <gmock/gmock.h>

#include <set>

#include "core/catalogue/catalogue.h"
#include "latchwire/v1/event_type_service.grpc.pb.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

class EventTypeServiceTest : public ::testing::Test {
 protected:
  EventTypeServiceTest()
      : viewer_(server_.MakeKey(Role::kViewer)), stub_(server_.Stub<v1::EventTypeService>()) {}

  grpc::Status Get(const std::string& name, v1::EventType* response) {
    KeyContext context(viewer_);
    v1::GetEventTypeRequest request;
    request.set_name(name);
    return stub_->GetEventType(&context, request, response);
  }
  grpc::Status List(const std::string& system, int page_size, const std::string& page_token,
                    v1::ListEventTypesResponse* response) {
    KeyContext context(viewer_);
    v1::ListEventTypesRequest request;
    request.set_system(system);
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return stub_->ListEventTypes(&context, request, response);
  }
  // Every page, in pages of `page_size`.
  std::vector<v1::EventType> ListAll(const std::string& system, int page_size) {
    std::vector<v1::EventType> all;
    std::string token;
    do {
      v1::ListEventTypesResponse page;
      EXPECT_TRUE(List(system, page_size, token, &page).ok());
      EXPECT_LE(page.event_types_size(), page_size);
      for (const v1::EventType& type : page.event_types()) all.push_back(type);
      token = page.next_page_token();
    } while (!token.empty());
    return all;
  }

  TestServer server_;
  const std::string viewer_;
  std::unique_ptr<v1::EventTypeService::Stub> stub_;
};

TEST_F(EventTypeServiceTest, ShowsADevicesType) {
  v1::EventType type;
  ASSERT_TRUE(Get("eventTypes/log.access_granted_by_api_call", &type).ok());
  EXPECT_EQ(type.name(), "eventTypes/log.access_granted_by_api_call");
  EXPECT_EQ(type.type(), "log.access_granted_by_api_call");
  EXPECT_EQ(type.canonical_type(), "access.granted");
  EXPECT_EQ(type.system(), "panel");
  EXPECT_EQ(type.priority(), 4);
  EXPECT_EQ(type.act_by_age().seconds(), 60);
  EXPECT_THAT(type.description(), Not(IsEmpty()));
  EXPECT_EQ(type.example(), FindType("log.access_granted_by_api_call")->example);
}

TEST_F(EventTypeServiceTest, ShowsCanonicalAndOperationalTypesAsItsOwn) {
  v1::EventType type;
  ASSERT_TRUE(Get("eventTypes/panic.pressed", &type).ok());
  EXPECT_EQ(type.system(), "latchwire");
  EXPECT_EQ(type.canonical_type(), "panic.pressed");
  EXPECT_EQ(type.priority(), 9);
  EXPECT_FALSE(type.has_act_by_age());
  ASSERT_TRUE(Get("eventTypes/latchwire.delivery.dead", &type).ok());
  EXPECT_EQ(type.system(), "latchwire");
  EXPECT_EQ(type.canonical_type(), "");
}

TEST_F(EventTypeServiceTest, ATypeThatIsCanonicalTooIsTheSystems) {
  v1::EventType type;
  ASSERT_TRUE(Get("eventTypes/person.created", &type).ok());
  EXPECT_EQ(type.system(), "twenty");
  EXPECT_EQ(type.canonical_type(), "person.created");
}

TEST_F(EventTypeServiceTest, RefusesUnknownAndMalformedNames) {
  v1::EventType type;
  EXPECT_EQ(ReasonOf(Get("eventTypes/nothing", &type)), "EVENT_TYPE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get("eventTypes/zzzz", &type)), "EVENT_TYPE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get("eventTypes/", &type)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(Get("door.opened", &type)), "FIELD_INVALID");
}

TEST_F(EventTypeServiceTest, ListsEveryTypeOnceInOrder) {
  for (const int page_size : {1, 7, 1000}) {
    const std::vector<v1::EventType> all = ListAll("", page_size);
    std::set<std::string> names;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(names.insert(all[i].type()).second) << all[i].type();
      if (i > 0) {
        EXPECT_LT(all[i - 1].name(), all[i].name());
      }
    }
    for (const CatalogueSystem& system : Systems()) {
      for (const CatalogueType& type : system.types) EXPECT_TRUE(names.count(type.name));
    }
    for (const CatalogueType& type : CanonicalTypes()) EXPECT_TRUE(names.count(type.name));
  }
}

TEST_F(EventTypeServiceTest, FiltersBySystem) {
  const std::vector<v1::EventType> panel = ListAll("panel", 10);
  EXPECT_EQ(panel.size(), 41u);
  for (const v1::EventType& type : panel) EXPECT_EQ(type.system(), "panel");
  EXPECT_THAT(ListAll("nothing", 10), IsEmpty());
}

TEST_F(EventTypeServiceTest, RefusesWrongPages) {
  v1::ListEventTypesResponse page, other;
  EXPECT_EQ(ReasonOf(List("", -1, "", &page)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(List("", 1001, "", &page)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(List("", 1, "nonsense", &page)), "PAGE_TOKEN_INVALID");
  ASSERT_TRUE(List("panel", 1, "", &page).ok());
  EXPECT_EQ(ReasonOf(List("acogo", 1, page.next_page_token(), &other)), "PAGE_TOKEN_INVALID");
}

TEST_F(EventTypeServiceTest, ListsFiftyUnlessAskedOtherwise) {
  v1::ListEventTypesResponse page;
  ASSERT_TRUE(List("", 0, "", &page).ok());
  EXPECT_EQ(page.event_types_size(), 50);
}

}  // namespace
}  // namespace latchwire
