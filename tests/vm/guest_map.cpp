// SPDX-License-Identifier: Apache-2.0
// A program that has a piece of a file mapped, as payloads of the virtual machine need one: pmend-vm-map FILE OFFSET
// LENGTH touches each page, then does what its standard input says, one command a line, and answers each with one line:
//   load OFFSET         reads the byte at this offset of the file: its value
//   store OFFSET VALUE  writes it: "stored"
//   signals             those that came without an access since it was asked last: "NUMBER SIGBUS code lsb", or "none"
// A signal on an access is the answer to it: "SIGBUS code lsb" (sigaction(2)). It ends with its input.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

namespace {

// Of the access that is being made; a signal while none is being made is an early warning.
sigjmp_buf g_access;
volatile std::sig_atomic_t g_accessing = 0;
volatile std::sig_atomic_t g_code = 0;
volatile std::sig_atomic_t g_lsb = 0;
volatile std::sig_atomic_t g_warnings = 0;

void on_bus_error(int, siginfo_t* info, void*) {
  g_code = info->si_code;
  g_lsb = info->si_addr_lsb;
  if (g_accessing != 0) {
    siglongjmp(g_access, 1);
  }
  g_warnings = g_warnings + 1;
}

std::string last_signal() {
  const char* code = g_code == BUS_MCEERR_AR   ? "BUS_MCEERR_AR"
                     : g_code == BUS_MCEERR_AO ? "BUS_MCEERR_AO"
                     : g_code == BUS_ADRERR    ? "BUS_ADRERR"
                                               : "other";
  return std::string("SIGBUS ") + code + " " + std::to_string(g_lsb);
}

class Mapping {
 public:
  Mapping(const char* path, std::uint64_t offset, std::size_t length) : offset_(offset), length_(length) {
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void* const at =
        fd < 0 ? MAP_FAILED : mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    bytes_ = at == MAP_FAILED ? nullptr : static_cast<volatile std::uint8_t*>(at);
  }

  bool is_made() const { return bytes_ != nullptr; }
  bool has(std::uint64_t offset) const { return offset >= offset_ && offset - offset_ < length_; }

  std::string load(std::uint64_t offset) {
    if (sigsetjmp(g_access, 1) != 0) {
      return end_of_access(last_signal());
    }
    g_accessing = 1;
    const unsigned value = bytes_[offset - offset_];
    return end_of_access(std::to_string(value));
  }

  std::string store(std::uint64_t offset, unsigned value) {
    if (sigsetjmp(g_access, 1) != 0) {
      return end_of_access(last_signal());
    }
    g_accessing = 1;
    bytes_[offset - offset_] = static_cast<std::uint8_t>(value);
    return end_of_access("stored");
  }

 private:
  static std::string end_of_access(std::string answer) {
    g_accessing = 0;
    return answer;
  }

  std::uint64_t offset_;
  std::size_t length_;
  volatile std::uint8_t* bytes_ = nullptr;
};

std::string answer(Mapping& mapping, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::uint64_t offset = 0;
  unsigned value = 0;
  words >> verb;
  if (verb == "signals") {
    const int count = g_warnings;
    g_warnings = 0;
    return count == 0 ? "none" : std::to_string(count) + " " + last_signal();
  }
  if (!(words >> offset) || !mapping.has(offset)) {
    return "no such place";
  }
  if (verb == "load") {
    return mapping.load(offset);
  }
  return verb == "store" && words >> value ? mapping.store(offset, value) : "no such command";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: pmend-vm-map FILE OFFSET LENGTH\n";
    return 64;
  }
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGBUS, &action, nullptr);
  // To hear of an error before the access that meets it, as databases do.
  prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
  const std::uint64_t offset = std::stoull(argv[2]);
  const std::size_t length = std::stoull(argv[3]);
  Mapping mapping(argv[1], offset, length);
  if (!mapping.is_made()) {
    std::perror(argv[1]);
    return 1;
  }
  for (std::uint64_t at = offset; at < offset + length; at += 4096) {
    mapping.load(at);
  }
  std::cout << "mapped" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(mapping, line) << std::endl;
  }
}
