// SPDX-License-Identifier: Apache-2.0
#include "loop/child_process.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace pmend::loop {
namespace {

ExitStatus run(const std::vector<std::string>& arguments) {
  boost::asio::io_context io{1};
  ExitStatus status = -1;
  const auto child = ChildProcess::start(io, {arguments, {}}, [&](ExitStatus s) { status = s; });
  EXPECT_TRUE(child.has_value());
  io.run();
  return status;
}

TEST(ChildProcess, TellsTheExitCode) {
  EXPECT_EQ(run({"/bin/sh", "-c", "exit 7"}), 7);
}

TEST(ChildProcess, TellsTheSignal) {
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}), 128 + SIGKILL);
}

TEST(ChildProcess, MissingProgramEndsWith127) {
  EXPECT_EQ(run({"/nonexistent/program"}), 127);
}

TEST(ChildProcess, HandsOverOnlyTheNamedDescriptors) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  boost::asio::io_context io{1};
  const auto child = ChildProcess::start(
      io, {{"/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' ' >&5"}, {{writer.get(), 5}}}, [](int) {});
  ASSERT_TRUE(child.has_value());
  writer.reset();
  io.run();
  std::array<char, 200> text{};
  const ssize_t n = read(reader.get(), text.data(), text.size());
  // 3 is the directory that ls itself has open.
  EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))), "0 1 2 3 5 ");
}

TEST(ChildProcess, CanBeKilled) {
  boost::asio::io_context io{1};
  ExitStatus status = -1;
  const auto child = ChildProcess::start(io, {{"/bin/sleep", "1000"}, {}}, [&](ExitStatus s) { status = s; });
  ASSERT_TRUE(child.has_value());
  (*child)->signal(SIGKILL);
  io.run();
  EXPECT_EQ(status, 128 + SIGKILL);
}

}  // namespace
}  // namespace pmend::loop
