#include "core/net/port_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

TEST(PortRanges, PortsAndRanges) {
  const auto ranges = ParsePortRanges("80, 443,8000-8002,65535");
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  for (int port : {80, 443, 8000, 8001, 8002, 65535}) EXPECT_TRUE(ContainsPort(*ranges, port));
  for (int port : {1, 79, 81, 7999, 8003, 65534}) EXPECT_FALSE(ContainsPort(*ranges, port));
  EXPECT_TRUE(ParsePortRanges(" ")->empty());
}

TEST(PortRanges, WhatIsNone) {
  for (const char* text : {"0", "65536", "a", "80,", ",80", "80-", "-80", "90-80", "1-2-3", "+80",
                           "80 443", "000080"}) {
    EXPECT_THAT(std::string(ParsePortRanges(text).status().message()),
                HasSubstr("is neither a port"))
        << text;
  }
}

TEST(PortRanges, OtherPortsOfReceiversAreNotTouched) {
  LoopbackServer server([](const ServerRequest&) { return ServerScript::Answer(200); });
  const auto port = static_cast<uint16_t>(server.port());
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.allow_ports = {{443, 443}};
  TransportRunner refusing(options);
  const HttpResult result = refusing.Send(TransportRunner::Post(server.Url()));
  EXPECT_EQ(result.error, TransportError::kBlockedAddress);
  EXPECT_EQ(result.detail, absl::StrCat("port ", port,
                                        " is not one that deliveries may reach; the operator can "
                                        "allow it with --allow_ports"));
  EXPECT_EQ(server.accepted_connections(), 0);
  options.allow_ports = {{443, 443}, {port, port}};
  TransportRunner runner(options);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
}

}  // namespace
}  // namespace latchwire
