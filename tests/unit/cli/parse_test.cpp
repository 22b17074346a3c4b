// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.hpp"

#include "cli/exit_code.hpp"
#include "cli/version.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace pmend::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Exit exit_of(CLI::App& app, std::vector<std::string> args) {
  const auto parsed = parse(app, std::move(args));
  return parsed ? Exit{.status = -1, .out = "parsed", .err = {}} : parsed.error();
}

TEST(Arguments, LeaveOutTheNameOfTheProgram) {
  const std::array<const char*, 3> argv = {"program", "a", "b"};
  EXPECT_THAT(arguments(3, argv.data()), testing::ElementsAre("a", "b"));
}

TEST(Arguments, OfACallWithoutAnyNameAreEmpty) {
  const std::array<const char*, 1> argv = {nullptr};
  EXPECT_THAT(arguments(0, argv.data()), IsEmpty());
}

TEST(Parse, VersionIsOneLineOnStdout) {
  CLI::App app;
  prepare(app, "thing");
  const Exit exit = exit_of(app, {"--version"});
  EXPECT_EQ(exit, (Exit{.status = 0, .out = "thing " + std::string(version()) + "\n", .err = {}}));
}

TEST(Parse, HelpIsOnStdoutAndEndsWell) {
  CLI::App app("Does things.");
  prepare(app, "thing");
  const Exit exit = exit_of(app, {"--help"});
  EXPECT_EQ(exit.status, kExitDone);
  EXPECT_THAT(exit.out, testing::AllOf(HasSubstr("Does things."), HasSubstr("--version")));
  EXPECT_THAT(exit.err, IsEmpty());
}

TEST(Parse, HelpOfASubcommandIsItsOwn) {
  CLI::App app;
  prepare(app, "thing");
  app.add_subcommand("push", "Pushes it.");
  EXPECT_THAT(exit_of(app, {"push", "--help"}).out, StartsWith("Pushes it."));
}

TEST(Parse, UnknownOptionIsAUsageErrorThatNamesIt) {
  CLI::App app;
  prepare(app, "thing");
  const Exit exit = exit_of(app, {"--frobnicate"});
  EXPECT_EQ(exit.status, kExitUsage);
  EXPECT_THAT(exit.out, IsEmpty());
  EXPECT_THAT(exit.err, testing::AllOf(StartsWith("thing: "), HasSubstr("--frobnicate"), EndsWith("\n")));
}

TEST(Parse, ErrorStaysOneLineWhateverTheArgumentHolds) {
  CLI::App app;
  prepare(app, "thing");
  const Exit exit = exit_of(app, {"--a\nb\x1b[31m\xFF"});
  EXPECT_EQ(exit.err.find('\n'), exit.err.size() - 1);
  EXPECT_THAT(exit.err, HasSubstr("--a\\x0ab\\x1b[31m\\xff"));
}

TEST(Parse, OptionsOfTheProgramMayFollowASubcommand) {
  CLI::App app;
  prepare(app, "thing");
  bool loud = false;
  app.add_flag("--loud", loud);
  app.add_subcommand("push");
  EXPECT_TRUE(parse(app, {"push", "--loud"}).has_value());
  EXPECT_TRUE(loud);
}

TEST(Parse, UsageShowsTheWordsOfAVerbAsTheyAreNamed) {
  CLI::App app;
  prepare(app, "thing");
  std::vector<std::string> words;
  app.add_subcommand("one")->add_option("A | A B C", words)->expected(1, 3)->required();
  app.add_subcommand("any")->add_option("FILE", words)->expected(0, -1);
  EXPECT_THAT(exit_of(app, {"one", "--help"}).out, HasSubstr("one [OPTIONS] A | A B C\n"));
  EXPECT_THAT(exit_of(app, {"any", "--help"}).out, HasSubstr("any [OPTIONS] [FILE...]\n"));
}

TEST(Unavailable, SaysWhyAndWhose) {
  EXPECT_EQ(unavailable("thing", "no bus"), (Exit{.status = kExitUnavailable, .out = {}, .err = "thing: no bus\n"}));
}

TEST(Finish, PrintsBothTextsAndReturnsTheStatus) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(finish({.status = 7, .out = "data\n", .err = "talk\n"}), 7);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "data\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "talk\n");
}

TEST(Run, ExceptionIsAnInternalErrorAndNotACrash) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run("thing", []() -> int { throw std::logic_error("broken"); }), kExitInternal);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "thing: internal error: broken\n");
}

}  // namespace
}  // namespace pmend::cli
