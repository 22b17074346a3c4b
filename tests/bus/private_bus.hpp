// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace pmend::testing {

// A dbus-daemon of its own, as the system bus is set up, with its socket in a directory of its own. Both are gone when
// it is destroyed.
class PrivateBus {
 public:
  enum class Policy {
    kOfPmend,  // dbus/org.pmend1.conf, beside what the system bus has
    kAllowAll  // everybody may own and send everything, so that only pmend itself refuses
  };

  // Throws std::runtime_error if the bus does not come up.
  explicit PrivateBus(Policy policy);
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  ~PrivateBus();

  const std::string& address() const { return address_; }
  // Ends the bus with SIGKILL.
  void kill();

 private:
  std::filesystem::path directory_;
  std::string address_;
  pid_t pid_ = -1;
};

}  // namespace pmend::testing
