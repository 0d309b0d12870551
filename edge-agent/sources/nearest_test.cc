#include "edge-agent/sources/nearest.h"

#include <gtest/gtest.h>

namespace latchwire::edge {
namespace {

TEST(NearestPathTest, FindsWhatWasMeant) {
  const std::vector<std::string> paths = {"/in/acogo/ez_open", "/in/acogo/f2_open", "/in/panel",
                                          "/in/json", "/healthz"};
  const struct {
    const char* given;
    const char* nearest;
  } kCases[] = {
      {"/in/panel/", "/in/panel"},
      {"/in/panels", "/in/panel"},
      {"/In/Panel", "/in/panel"},
      {"/panel", "/in/panel"},
      {"/in/acogo/ezopen", "/in/acogo/ez_open"},
      {"/in/acogo/f2-open", "/in/acogo/f2_open"},
      {"/in/acogo/close", "/in/acogo/ez_open"},
      {"/in/acogo", "/in/acogo/ez_open"},
      {"/in/json/door/7", "/in/json"},
      {"/health", "/healthz"},
      {"/webhook", ""},
      {"/", ""},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(NearestPath(c.given, paths), c.nearest) << c.given;
  EXPECT_EQ(NearestPath("/in/panel", {}), "");
}

}  // namespace
}  // namespace latchwire::edge
