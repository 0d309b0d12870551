#include "core/program/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/testing/temporary_folder.h"
#include "core/program/exit_code.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The settings of a program that does not exist.
struct Example {
  std::string name = "default name";
  bool tls = false;
  int64_t threads = 4;
  absl::Duration timeout = absl::Seconds(30);
  std::optional<ListenAddress> listen = *ParseIpListenAddress("127.0.0.1:80");
  std::string key;
  LogLevel log_level = LogLevel::kInfo;
  std::string networks;
  int64_t max_bytes = 1000;
  std::string token;
  int64_t intake_limit = 5;

  Settings settings{"example", "Does nothing."};

  Example() {
    settings.AddConfigFile();
    settings.AddText("name", &name, "A name");
    settings.AddBool("tls", &tls, "Whether TLS is spoken");
    settings.AddInteger("threads", &threads, 1, 64, "How many threads");
    settings.AddDuration("timeout", &timeout, absl::Hours(1), "How long");
    settings.AddListen("listen", &listen, "Where");
    settings.AddFile("key_file", &key, "A file");
    settings.AddLogLevel(&log_level);
    settings.AddList(
        "networks",
        [this](absl::string_view text) {
          networks = std::string(text);
          return text == "bad" ? absl::InvalidArgumentError("is bad") : absl::OkStatus();
        },
        "Networks");
    settings.AddInteger("spool.max_bytes", &max_bytes, 1, 1 << 20, "A limit");
    settings.AddAlias("spool_cap", "spool.max_bytes");
    settings.AddSection("intake", [this](TableReader* intake) {
      for (TableReader& reader : intake->Tables("json")) {
        reader.Secret("token", &token).Integer("limit", 0, 9, &intake_limit);
        if (token.empty()) reader.Fail("token", "is required");
        if (absl::Status status = reader.Finish(); !status.ok()) return status;
      }
      return absl::OkStatus();
    });
  }
};

class SettingsTest : public ::testing::Test {
 protected:
  std::string WithFile(absl::string_view toml) {
    std::ofstream(file_) << toml;
    return "--config=" + file_;
  }
  // The message for this file.
  std::string FileError(absl::string_view toml) {
    Example example;
    return std::string(example.settings.Parse({WithFile(toml)}).status().message());
  }
  static std::string FlagError(const std::vector<std::string>& arguments) {
    return std::string(Example().settings.Parse(arguments).status().message());
  }

  const TemporaryFolder folder_;
  const std::string file_ = folder_.File("settings.toml");
};

TEST_F(SettingsTest, FlagsInEverySpelling) {
  Example e;
  const auto text = e.settings.Parse({"--name=a b", "--tls", "--threads", "8", "-timeout=1m",
                                      "--listen", "[::1]:0", "--log-level=warn",
                                      "--networks=10.0.0.0/8,fd00::/8", "--spool-max-bytes=7"});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "");
  EXPECT_EQ(e.name, "a b");
  EXPECT_TRUE(e.tls);
  EXPECT_EQ(e.threads, 8);
  EXPECT_EQ(e.timeout, absl::Minutes(1));
  EXPECT_EQ(e.listen->ToString(), "[::1]:0");
  EXPECT_EQ(e.log_level, LogLevel::kWarning);
  EXPECT_EQ(e.networks, "10.0.0.0/8,fd00::/8");
  EXPECT_EQ(e.max_bytes, 7);

  Example other;
  ASSERT_TRUE(other.settings.Parse({"--tls=true", "--notls", "--spool_cap=9", "--listen="}).ok());
  EXPECT_FALSE(other.tls);
  EXPECT_EQ(other.max_bytes, 9);
  EXPECT_FALSE(other.listen);
  EXPECT_EQ(other.name, "default name");
}

TEST_F(SettingsTest, TheFileIsBeneathTheFlags) {
  Example e;
  const auto text = e.settings.Parse({WithFile(R"(# comment
name = "from file"
tls = true
threads = 99  # wrong, but overridden
timeout = 0
listen = "127.0.0.1:1"
networks = ["10.0.0.0/8", 'fd00::/8', 80]
[spool]
max_bytes = 5
[[intake.json]]
token = "t"
)"),
                                      "--threads=2", "--listen", "127.0.0.1:2"});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(e.name, "from file");
  EXPECT_TRUE(e.tls);
  EXPECT_EQ(e.threads, 2);
  EXPECT_EQ(e.timeout, absl::ZeroDuration());
  EXPECT_EQ(e.listen->port, 2);
  EXPECT_EQ(e.networks, "10.0.0.0/8,fd00::/8,80");
  EXPECT_EQ(e.max_bytes, 5);
  EXPECT_EQ(e.token, "t");
}

TEST_F(SettingsTest, ErrorsOfFlagsNameKeyAndValue) {
  EXPECT_EQ(FlagError({"--threads=0"}), "threads = \"0\": must be 1 to 64");
  EXPECT_EQ(FlagError({"--threads=x"}), "threads = \"x\": must be 1 to 64");
  EXPECT_EQ(FlagError({"--spool-cap=0"}), "spool.max_bytes = \"0\": must be 1 to 1048576");
  EXPECT_THAT(FlagError({"--timeout=-1s"}), StartsWith("timeout = \"-1s\": must be 0 to 1h"));
  EXPECT_THAT(FlagError({"--listen=nowhere"}), StartsWith("listen = \"nowhere\": must be address"));
  EXPECT_EQ(FlagError({"--log_level=loud"}),
            "log_level = \"loud\": must be debug, info, warn or error");
  EXPECT_EQ(FlagError({"--networks=bad"}), "networks = \"bad\": is bad");
  EXPECT_EQ(FlagError({"--tls=perhaps"}), "tls = \"perhaps\": must be true or false");
  EXPECT_THAT(FlagError({"--key_file=/nowhere"}), HasSubstr("key_file = \"/nowhere\": the file"));
  EXPECT_THAT(FlagError({"--config=/nowhere"}), HasSubstr("config = \"/nowhere\": the file"));
  EXPECT_THAT(FlagError({"--nonsense=1"}), StartsWith("--nonsense: no such flag"));
  EXPECT_THAT(FlagError({"--noname"}), StartsWith("--noname: no such flag"));
  EXPECT_EQ(FlagError({"--name"}), "--name: its value is missing");
  EXPECT_EQ(FlagError({"more"}), "unexpected argument: more");
}

TEST_F(SettingsTest, ErrorsOfTheFileNameItsLineToo) {
  EXPECT_EQ(FileError("\nthreads = 0"), file_ + ":2: threads = \"0\": must be 1 to 64");
  EXPECT_EQ(FileError("[spool]\nmax_bytes = 0"),
            file_ + ":2: spool.max_bytes = \"0\": must be 1 to 1048576");
  EXPECT_EQ(FileError("tls = true\nagnet = \"x\""), file_ + ":2: agnet: no such setting");
  EXPECT_EQ(FileError("[spool]\nmaxbytes = 1"), file_ + ":2: spool.maxbytes: no such setting");
  EXPECT_EQ(FileError("config = \"x\""), file_ + ":1: config: no such setting");
  EXPECT_EQ(FileError("name = 7"), file_ + ":1: name = \"7\": must be a quoted string");
  EXPECT_EQ(FileError("tls = 1"), file_ + ":1: tls = \"1\": must be true or false");
  EXPECT_EQ(FileError("threads = 1.5"), file_ + ":1: threads = \"1.5\": must be a number");
  EXPECT_EQ(FileError("threads = 2020-01-01"), file_ + ":1: threads = \"\": must be a number");
  EXPECT_THAT(FileError("networks = [[1]]"), EndsWith("must be a text, or a list of texts"));
  EXPECT_EQ(FileError("spool = 1"), file_ + ":1: spool = \"1\": must be a table");
  EXPECT_EQ(FileError("intake = 1"), file_ + ":1: intake = \"1\": must be a table");
  EXPECT_THAT(FileError("name = "), StartsWith(file_ + ":1: "));
}

TEST_F(SettingsTest, ErrorsOfSectionsLookTheSameAndShowNoSecrets) {
  EXPECT_EQ(FileError("[intake.json]\nlimit = 1"),
            file_ + ":1: intake.json.token = \"\": is required");
  EXPECT_EQ(FileError("[intake.json]\ntoken = \"t\"\nlimit = 10"),
            file_ + ":3: intake.json.limit = \"10\": must be an integer from 0 to 9");
  EXPECT_EQ(FileError("[intake.json]\ntokn = \"secret\"\ntoken=\"t\""),
            file_ + ":2: intake.json.tokn: no such setting");
  EXPECT_EQ(FileError("[intake.xml]\na = 1"), file_ + ":1: intake.xml: no such setting");
  EXPECT_EQ(FileError("intake.json = 1"),
            file_ + ":1: intake.json = \"1\": must be a table, or an array of tables");
  EXPECT_THAT(FileError("[intake.json]\ntoken = 12345"), Not(HasSubstr("12345")));
  EXPECT_THAT(FileError("[intake.json]\ntoken = \"hush\"\ntoken_file = \"x\""),
              testing::AllOf(HasSubstr("token_file = \"x\": cannot be combined with token"),
                             Not(HasSubstr("hush"))));
}

TEST_F(SettingsTest, SecretsMayStandInFiles) {
  const std::string path = folder_.File("token");
  std::ofstream(path) << "  from-file\n";
  Example e;
  const std::string toml = "[intake.json]\ntoken_file = \"" + path + "\"";
  ASSERT_TRUE(e.settings.Parse({WithFile(toml)}).ok());
  EXPECT_EQ(e.token, "from-file");
  std::ofstream(path) << " \n";
  EXPECT_THAT(FileError(toml), EndsWith("the file is empty"));
  std::remove(path.c_str());
  EXPECT_THAT(FileError(toml), HasSubstr(path + "\": the file cannot be read: No such file"));
}

TEST_F(SettingsTest, ErrorsAfterwardsKnowWhereTheValueStands) {
  Example e;
  ASSERT_TRUE(e.settings.Parse({WithFile("\n\nname = \"n\"\n"), "--threads=2"}).ok());
  EXPECT_EQ(e.settings.Error("name", "why").message(), file_ + ":3: name = \"n\": why");
  EXPECT_EQ(e.settings.Error("threads", "why").message(), "threads = \"2\": why");
  EXPECT_EQ(e.settings.Error("timeout", "why").message(), "timeout = \"30s\": why");
}

TEST_F(SettingsTest, HelpAndVersionAreTextToPrint) {
  const std::string help = *Example().settings.Parse({"--threads=0", "--help"});
  EXPECT_THAT(help, StartsWith("Does nothing.\n"));
  for (const char* part :
       {"--config\n", "--threads (default 4)\n      How many", "--spool_max_bytes (default 1000)",
        "--listen (default 127.0.0.1:80)", "2 a setting is wrong"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
  EXPECT_THAT(*Example().settings.Parse({"--version"}), StartsWith("example 0."));
  EXPECT_THAT(VersionText("example"), HasSubstr("BoringSSL"));
}

TEST_F(SettingsTest, MainGetsAnExitCodeOrRuns) {
  Example e;
  EXPECT_EQ(ParseSettings(&e.settings, {"--threads=2"}), std::nullopt);
  Example wrong;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ParseSettings(&wrong.settings, {"--threads=0"}), kExitUsage);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "example: threads = \"0\": must be 1 to 64\n");
  Example checked;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ParseSettings(&checked.settings, {},
                          [&] { return checked.settings.Error("name", "is taken"); }),
            kExitUsage);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "example: name = \"default name\": is taken\n");
  Example help;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(ParseSettings(&help.settings, {"--help"}), kExitOk);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("--threads"));
}

}  // namespace
}  // namespace latchwire
