// SPDX-License-Identifier: Apache-2.0
#include "loop/fd_watch.hpp"

#include "pmend/base/unique_fd.hpp"

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace pmend::loop {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  void put() const { EXPECT_EQ(write(writer.get(), "x", 1), 1); }
  void take() const {
    char byte = 0;
    EXPECT_EQ(read(reader.get(), &byte, 1), 1);
  }
  UniqueFd reader;
  UniqueFd writer;
};

TEST(FdWatch, CallsAgainForEveryNewByte) {
  boost::asio::io_context io{1};
  const Pipe pipe;
  int calls = 0;
  FdWatch watch(io, pipe.reader.get(), FdWatch::For::kReadable, [&] {
    pipe.take();
    ++calls;
  });
  for (int i = 1; i <= 3; ++i) {
    pipe.put();
    io.run_one();
    EXPECT_EQ(calls, i);
  }
}

TEST(FdWatch, CallsForWhatWasThereBeforeIt) {
  boost::asio::io_context io{1};
  const Pipe pipe;
  pipe.put();
  bool called = false;
  FdWatch watch(io, pipe.reader.get(), FdWatch::For::kReadable, [&] {
    pipe.take();
    called = true;
  });
  io.run_one();
  EXPECT_TRUE(called);
}

TEST(FdWatch, DestroyedWithItsEventAlreadyQueuedDoesNotCall) {
  boost::asio::io_context io{1};
  const Pipe pipe;
  auto watch = std::make_unique<FdWatch>(io, pipe.reader.get(), FdWatch::For::kReadable, [] { FAIL(); });
  boost::asio::io_context::work keep(io);
  pipe.put();
  watch.reset();
  io.poll();
}

TEST(FdWatch, MayDestroyItselfInItsCallback) {
  boost::asio::io_context io{1};
  const Pipe pipe;
  std::unique_ptr<FdWatch> watch;
  watch = std::make_unique<FdWatch>(io, pipe.reader.get(), FdWatch::For::kReadable, [&] { watch.reset(); });
  pipe.put();
  io.run();
  EXPECT_EQ(watch, nullptr);
}

TEST(FdWatch, ChangeMeansUrgentDataAndNotOrdinaryData) {
  boost::asio::io_context io{1};
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const UniqueFd a(ends[0]);
  const UniqueFd b(ends[1]);
  int calls = 0;
  FdWatch watch(io, a.get(), FdWatch::For::kChange, [&] { ++calls; });
  ASSERT_EQ(write(b.get(), "x", 1), 1);
  io.poll();
  EXPECT_EQ(calls, 0);
}

TEST(FdWatch, SaysThatAnOrdinaryFileCannotBeWatched) {
  boost::asio::io_context io{1};
  const auto file = open_file("/proc/self/exe", O_RDONLY);
  ASSERT_TRUE(file.has_value());
  EXPECT_THROW(FdWatch(io, file->get(), FdWatch::For::kChange, [] {}), boost::system::system_error);
}

TEST(FdWatch, LeavesTheDescriptorToItsOwner) {
  const Pipe pipe;
  {
    boost::asio::io_context io{1};
    FdWatch watch(io, pipe.reader.get(), FdWatch::For::kReadable, [] {});
  }
  EXPECT_NE(fcntl(pipe.reader.get(), F_GETFD), -1);
}

}  // namespace
}  // namespace pmend::loop
