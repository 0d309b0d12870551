#include "core/net/address_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Status Check(const AddressGuard& guard, const char* text) {
  const auto address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return guard.Check(address.value_or(IpAddress()));
}

struct Case {
  const char* address;
  const char* rule;  // null: public
};

class AddressGuardTable : public ::testing::TestWithParam<Case> {};

TEST_P(AddressGuardTable, Judges) {
  const absl::Status status = Check(AddressGuard(), GetParam().address);
  if (GetParam().rule == nullptr) {
    EXPECT_TRUE(status.ok()) << status;
    return;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << GetParam().address;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(IpAddress::Parse(GetParam().address)->ToString()),
                    HasSubstr(GetParam().rule), HasSubstr("--allow_networks")));
}

INSTANTIATE_TEST_SUITE_P(
    All, AddressGuardTable,
    ::testing::Values(
        // The first and last of each range, and their public neighbours.
        Case{"0.0.0.0", "0.0.0.0/8"}, Case{"0.255.255.255", "0.0.0.0/8"}, Case{"1.0.0.0", nullptr},
        Case{"9.255.255.255", nullptr}, Case{"10.0.0.0", "10.0.0.0/8 (private)"},
        Case{"10.255.255.255", "10.0.0.0/8"}, Case{"11.0.0.0", nullptr},
        Case{"100.63.255.255", nullptr}, Case{"100.64.0.0", "100.64.0.0/10"},
        Case{"100.127.255.255", "100.64.0.0/10"}, Case{"100.128.0.0", nullptr},
        Case{"126.255.255.255", nullptr}, Case{"127.0.0.1", "127.0.0.0/8 (loopback)"},
        Case{"127.255.255.255", "127.0.0.0/8"}, Case{"128.0.0.0", nullptr},
        Case{"168.63.129.16", "cloud platform"}, Case{"168.63.129.17", nullptr},
        Case{"169.253.255.255", nullptr}, Case{"169.254.169.254", "169.254.0.0/16"},
        Case{"169.255.0.0", nullptr}, Case{"172.15.255.255", nullptr},
        Case{"172.16.0.0", "172.16.0.0/12"}, Case{"172.31.255.255", "172.16.0.0/12"},
        Case{"172.32.0.0", nullptr}, Case{"192.0.0.8", "192.0.0.0/24"}, Case{"192.0.1.0", nullptr},
        Case{"192.0.2.1", "192.0.2.0/24"}, Case{"192.0.3.0", nullptr},
        Case{"192.88.99.1", "192.88.99.0/24"}, Case{"192.167.255.255", nullptr},
        Case{"192.168.0.1", "192.168.0.0/16"}, Case{"192.169.0.0", nullptr},
        Case{"198.17.255.255", nullptr}, Case{"198.18.0.0", "198.18.0.0/15"},
        Case{"198.19.255.255", "198.18.0.0/15"}, Case{"198.20.0.0", nullptr},
        Case{"198.51.100.7", "198.51.100.0/24"}, Case{"203.0.113.7", "203.0.113.0/24"},
        Case{"223.255.255.255", nullptr}, Case{"224.0.0.1", "224.0.0.0/4"},
        Case{"239.255.255.255", "224.0.0.0/4"}, Case{"240.0.0.0", "240.0.0.0/4"},
        Case{"255.255.255.254", "240.0.0.0/4"}, Case{"255.255.255.255", "broadcast"},
        Case{"8.8.8.8", nullptr},
        // IPv6.
        Case{"::", "::/128"}, Case{"::1", "::1/128 (loopback)"}, Case{"fbff::1", nullptr},
        Case{"fc00::1", "fc00::/7"}, Case{"fdff::1", "fc00::/7"}, Case{"fe7f::1", nullptr},
        Case{"fe80::1", "fe80::/10"}, Case{"febf::1", "fe80::/10"}, Case{"fec0::1", "fec0::/10"},
        Case{"ff02::1", "ff00::/8"}, Case{"2001:db8::1", "2001:db8::/32"},
        Case{"3fff::1", "3fff::/20"}, Case{"100::1", "100::/64"}, Case{"2001:2::1", "2001:2::/48"},
        Case{"2606:4700:4700::1111", nullptr}, Case{"2001:4860:4860::8888", nullptr},
        // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo (server, client
        // inverted).
        Case{"::ffff:127.0.0.1", "127.0.0.0/8 (loopback)"}, Case{"::ffff:8.8.8.8", nullptr},
        Case{"::ffff:a9fe:a9fe", "169.254.0.0/16"}, Case{"::127.0.0.1", "127.0.0.0/8"},
        Case{"::ffff:0:127.0.0.1", "127.0.0.0/8"}, Case{"::ffff:0:8.8.8.8", nullptr},
        Case{"::2", "0.0.0.0/8"}, Case{"::8.8.8.8", nullptr},
        Case{"64:ff9b::10.0.0.1", "10.0.0.0/8"}, Case{"64:ff9b::8.8.8.8", nullptr},
        Case{"64:ff9b:1::8.8.8.8", "64:ff9b:1::/48"}, Case{"2002:c0a8:1::1", "192.168.0.0/16"},
        Case{"2002:808:808::1", nullptr}, Case{"2001:0:a00:1::f7f7:f7f7", "10.0.0.0/8"},
        Case{"2001:0:808:808::80ff:fffe", "127.0.0.0/8"},
        Case{"2001:0:808:808::f7f7:f7f7", nullptr}));

TEST(AddressGuard, AllowedNetworksGoBeforeTheRules) {
  const AddressGuard guard(*ParseIpNetworks("127.0.0.0/8, fd12::/16, 10.1.2.3"));
  EXPECT_TRUE(Check(guard, "127.0.0.1").ok());
  EXPECT_TRUE(Check(guard, "::ffff:127.0.0.1").ok());
  EXPECT_TRUE(Check(guard, "64:ff9b::127.0.0.1").ok());
  EXPECT_TRUE(Check(guard, "fd12:3::4").ok());
  EXPECT_TRUE(Check(guard, "10.1.2.3").ok());
  EXPECT_FALSE(Check(guard, "10.1.2.4").ok());
  EXPECT_FALSE(Check(guard, "fd13::1").ok());
  EXPECT_FALSE(Check(guard, "::1").ok());
}

TEST(AddressGuard, RefusalNamesAddressRuleAndSetting) {
  EXPECT_EQ(Check(AddressGuard(), "127.0.0.1").message(),
            "address 127.0.0.1 is in 127.0.0.0/8 (loopback), which deliveries may not reach; the "
            "operator can allow it with --allow_networks");
  EXPECT_EQ(Check(AddressGuard(), "2002:7f00:1::").message(),
            "address 2002:7f00:1::, which holds 127.0.0.1, is in 127.0.0.0/8 (loopback), which "
            "deliveries may not reach; the operator can allow it with --allow_networks");
}

TEST(AddressGuard, EverythingMayBeAllowed) {
  const AddressGuard open(*ParseIpNetworks("0.0.0.0/0,::/0"));
  EXPECT_TRUE(Check(open, "127.0.0.1").ok());
  EXPECT_TRUE(Check(open, "::1").ok());
  EXPECT_TRUE(Check(open, "255.255.255.255").ok());
}

}  // namespace
}  // namespace latchwire
