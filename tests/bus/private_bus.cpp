// SPDX-License-Identifier: Apache-2.0
#include "private_bus.hpp"

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

extern char** environ;

namespace pmend::testing {
namespace {

constexpr int kStartMilliseconds = 30000;

// As the system bus: clients own nothing and call nobody but the bus unless a policy file says otherwise.
constexpr const char* kSystemBus = R"(
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
)";
constexpr const char* kNoLimits = R"(
  <policy context="mandatory"><allow own="*"/><allow send_destination="*"/></policy>
)";

std::filesystem::path make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "pmend-bus-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + path);
  }
  std::filesystem::permissions(path, std::filesystem::perms(0755));  // other users connect, too
  return path;
}

void write_config(const std::filesystem::path& file, const std::string& address, PrivateBus::Policy policy) {
  std::ofstream out(file);
  out << "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
      << " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>\n"
      << "<type>system</type><listen>" << address << "</listen><auth>EXTERNAL</auth>\n";
  out << kSystemBus;
  if (policy == PrivateBus::Policy::kOfPmend) {
    out << "<include>" << PMEND_BUS_POLICY << "</include>\n";
  } else {
    out << kNoLimits;
  }
  out << "</busconfig>\n";
}

// The bus prints its address when it listens.
bool comes_up(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&waiting, 1, kStartMilliseconds) == 1 && read(fd, &byte, 1) == 1;
}

}  // namespace

PrivateBus::PrivateBus(Policy policy)
    : directory_(make_directory()), address_("unix:path=" + (directory_ / "bus").string()) {
  const std::string config = (directory_ / "bus.conf").string();
  write_config(config, address_, policy);
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) < 0) {
    throw std::runtime_error("pipe2");
  }
  const UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  // It warns of limits and users that a test machine does not have.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (directory_ / "bus.log").c_str(), O_WRONLY | O_CREAT, 0600);
  std::array<std::string, 4> words = {"dbus-daemon", "--config-file=" + config, "--nofork", "--print-address=1"};
  std::array<char*, 5> argv = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  const int failed = posix_spawnp(&pid_, "dbus-daemon", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  write_end.reset();
  if (failed != 0 || !comes_up(read_end.get())) {
    kill();
    std::filesystem::remove_all(directory_);
    throw std::runtime_error("dbus-daemon does not come up");
  }
}

PrivateBus::~PrivateBus() {
  kill();
  std::error_code ignored;  // a directory that stays behind harms nobody
  std::filesystem::remove_all(directory_, ignored);
}

void PrivateBus::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

}  // namespace pmend::testing
