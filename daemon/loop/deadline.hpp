// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace pmend::loop {

// One timer on the steady clock. Setting it again replaces what was set; destroying it cancels.
class Deadline {
 public:
  explicit Deadline(boost::asio::io_context& io);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // The callback is called once, from the loop. It may set the deadline again or destroy it.
  void set(std::chrono::microseconds from_now, std::function<void()> callback);
  void cancel();
  bool is_set() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pmend::loop
