// SPDX-License-Identifier: Apache-2.0
#include "ctl/locate_lines.hpp"

#include "ctl/line_reader.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

namespace pmend::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::uint64_t kDeviceBytes = std::uint64_t{1} << 40U;

// Every 4096 bytes belong to a file of their own, but those of long ranges.
class BlocksLocator final : public Locator {
 public:
  Asked<nlohmann::json> range(const DeviceRange&) override { return tl::make_unexpected(Problem{}); }
  Asked<nlohmann::json> path(const std::string&) override { return tl::make_unexpected(Problem{}); }
  Asked<nlohmann::json> ranges(const std::string& device, const std::vector<ByteRange>& ranges) override {
    questions.push_back({device, ranges});
    if (const auto problem = problems.find(device); problem != problems.end()) {
      return tl::make_unexpected(problem->second);
    }
    protocol::LocateReply reply{samples::device_info(), {}, bad};
    reply.device.size = kDeviceBytes;
    for (const ByteRange& range : ranges) {
      for (std::uint64_t at = range.offset; at < std::min(range.end(), kDeviceBytes);) {
        const std::uint64_t end =
            range.length > 65536 ? range.end() : std::min(range.end(), round_out({at, 1}, 4096).end());
        Owner owner = samples::file_owner();
        owner.paths = {{"/srv/" + std::to_string(at / 4096)}};
        owner.file_offset = 65536 + at % 4096;
        owner.device_range = {at, end - at};
        reply.owners.push_back(owner);
        at = end;
      }
    }
    return to_json(reply);
  }

  std::vector<protocol::DeviceRanges> questions;
  std::map<std::string, Problem> problems;
  std::vector<ByteRange> bad;
};

class LocateLinesTest : public testing::Test {
 protected:
  int run(const std::string& input) {
    std::istringstream in(input);
    return locate_lines(locator_, options_, {in, out_, err_, false});
  }

  BlocksLocator locator_;
  Options options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(LocateLinesTest, AnswersEachLineInItsPlace) {
  locator_.bad = {{4096, 512}};
  EXPECT_EQ(run("/dev/a 4608 512\n# none\n/dev/b 8192 4096\n/dev/a 4096 1024\n"), 0);
  EXPECT_EQ(out_.str(),
            "1: /dev/a 4608+512: /srv/1, file offset 66048\n"
            "3: /dev/b 8192+4096: /srv/2, file offset 65536\n"
            "4: /dev/a 4096+1024 bad: /srv/1, file offset 65536\n");
  EXPECT_EQ(err_.str(), "");
  ASSERT_THAT(locator_.questions, SizeIs(2));
  EXPECT_THAT(locator_.questions[0].ranges, ElementsAre(ByteRange{4096, 1024}));  // what overlaps is asked once
}

TEST_F(LocateLinesTest, AsksForManyLinesAtOnce) {
  std::string input;
  for (int i = 0; i < 2500; ++i) {
    input += "/dev/a " + std::to_string((i * 7919) % 2500 * 8192) + " 512\n";
  }
  EXPECT_EQ(run(input), 0);
  EXPECT_THAT(locator_.questions, SizeIs(3));
  for (const auto& question : locator_.questions) {
    EXPECT_THAT(question.ranges, SizeIs(Le(protocol::kMostLocateRanges)));
  }
  const std::string out = out_.str();
  EXPECT_EQ(std::ranges::count(out, '\n'), 2500);
  EXPECT_THAT(out, StartsWith("1: /dev/a 0+512: /srv/0, file offset 65536\n2: /dev/a 3432448+512: "));
}

TEST_F(LocateLinesTest, LongRangesAreAskedByThemselves) {
  EXPECT_EQ(run("/dev/a 0 134217728\n/dev/a 134217728 67108864\n/dev/a 0 1\n"), 0);
  EXPECT_THAT(locator_.questions, SizeIs(3));
}

TEST_F(LocateLinesTest, GoesOnAfterABadLine) {
  locator_.problems["/dev/none"] = {kExitNotFound, "/dev/none: No such file or directory"};
  EXPECT_EQ(run("what\n/dev/none 0 512\n/dev/a 1099511627776 512\n" + std::string(100'000, 'x') + "\n/dev/a 0 512"), 1);
  EXPECT_EQ(out_.str(), "5: /dev/a 0+512: /srv/0, file offset 65536\n");
  EXPECT_EQ(err_.str(),
            "pmendctl: line 1: names no place: 'what'\n"
            "pmendctl: line 2: /dev/none: No such file or directory\n"
            "pmendctl: line 3: 1099511627776+512 reaches beyond the end of /dev/a, which has 1099511627776 bytes\n"
            "pmendctl: line 4: is longer than 8192 bytes\n");
}

TEST_F(LocateLinesTest, StopsWhereNobodyCanBeAsked) {
  locator_.problems["/dev/a"] = {cli::kExitUnavailable, "cannot reach pmend"};
  std::string input;
  for (int i = 0; i < 5000; ++i) {
    input += "/dev/a 0 512\n";
  }
  EXPECT_EQ(run(input), cli::kExitUnavailable);
  EXPECT_THAT(locator_.questions, SizeIs(1));
  EXPECT_EQ(err_.str(), "pmendctl: cannot reach pmend\n");
}

TEST_F(LocateLinesTest, NothingToAskIsNothingToDo) {
  EXPECT_EQ(run(""), kExitNothingToDo);
  EXPECT_EQ(run("# a map without bad areas\n0x0 0x1000 +\n"), kExitNothingToDo);
  EXPECT_THAT(locator_.questions, IsEmpty());
}

TEST_F(LocateLinesTest, JsonIsOneObjectALine) {
  options_.json = true;
  locator_.bad = {{0, 1024}};
  EXPECT_EQ(run("/dev/a 512 512\nwhat\n"), 1);
  std::istringstream lines(out_.str());
  std::string line;
  std::getline(lines, line);
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first.at("line"), 1);
  EXPECT_EQ(first.at("device"), "/dev/a");
  EXPECT_EQ(first.at("range"), (nlohmann::json{{"offset", 512}, {"length", 512}}));
  EXPECT_EQ(first.at("bad"), nlohmann::json::parse(R"([{"offset":512,"length":512}])"));
  EXPECT_EQ(first.at("owners").at(0).at("device_offset"), 512);
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line),
            (nlohmann::json{{"version", 1}, {"line", 2}, {"error", "names no place: 'what'"}}));
}

// Gives one byte for ever, and counts.
class EndlessLine final : public std::streambuf {
 public:
  explicit EndlessLine(std::size_t bytes) : left_(bytes) {}

 protected:
  int_type underflow() override {
    if (left_ == 0) {
      return traits_type::eof();
    }
    --left_;
    setg(&byte_, &byte_, &byte_ + 1);
    return traits_type::to_int_type(byte_);
  }

 private:
  std::size_t left_;
  char byte_ = 'x';
};

TEST(LineReader, KeepsNoMoreThanTheBeginningOfALine) {
  EndlessLine buffer(10'000'000);
  std::istream in(&buffer);
  LineReader lines(in);
  const auto line = lines.next();
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->too_long);
  EXPECT_THAT(line->text, SizeIs(LineReader::kLongest));
  EXPECT_FALSE(lines.next().has_value());
}

TEST(LineReader, CountsLinesOfAnyBytes) {
  std::istringstream in(std::string("a\0b\n\n\xff", 6));
  LineReader lines(in);
  EXPECT_EQ(lines.next()->text, std::string("a\0b", 3));
  EXPECT_EQ(lines.next()->text, "");
  const auto last = lines.next();
  EXPECT_EQ(last->number, 3U);
  EXPECT_EQ(last->text, "\xff");
  EXPECT_FALSE(lines.next().has_value());
}

}  // namespace
}  // namespace pmend::ctl
