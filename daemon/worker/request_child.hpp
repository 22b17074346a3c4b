// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/protocol.hpp"

#include <boost/asio/io_context.hpp>
#include <tl/expected.hpp>

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pmend::worker {

using Answer = tl::expected<Json, protocol::ReplyError>;

// Gives one answer in a forked child, so that a read that hangs or kills takes only the answer with it. At its deadline
// the child is killed and the answer is `timed-out`.
class RequestChild {
 public:
  // `on_answer` is called once; `on_gone` after it, once the child is reaped (a child in uninterruptible sleep may take
  // long): only then may the object be destroyed. Errors: the errno.
  static Result<std::unique_ptr<RequestChild>> start(boost::asio::io_context& io, std::chrono::milliseconds limit,
                                                     const std::function<Answer()>& work,
                                                     std::function<void(Answer)> on_answer,
                                                     std::function<void()> on_gone);

 private:
  RequestChild(boost::asio::io_context& io, pid_t pid, UniqueFd pidfd, UniqueFd pipe,
               std::function<void(Answer)> on_answer, std::function<void()> on_gone);
  void read_answer();
  void reap();
  void give(Answer answer);

  UniqueFd pidfd_;
  UniqueFd pipe_;
  std::string text_;
  std::function<void(Answer)> on_answer_;
  std::function<void()> on_gone_;
  loop::Deadline deadline_;
  std::unique_ptr<loop::FdWatch> pipe_watch_;
  std::unique_ptr<loop::FdWatch> end_watch_;
};

}  // namespace pmend::worker
