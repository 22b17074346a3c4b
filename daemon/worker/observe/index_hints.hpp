// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "pmend/kernel/change_group.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/setting.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace pmend::worker {

// Keeps the index of one file system new: after changes, once there was none for a moment, it is made again. What it
// costs is bounded by how long that takes. Nothing depends on it: whoever is told to own a block is asked anyway.
class IndexHint : public std::enable_shared_from_this<IndexHint> {
 public:
  struct Parts {
    boost::asio::io_context& io;
    RunChild run_child;
    std::function<Answer()> refresh;  // in a child
  };
  // Errors: those of kernel::ChangeGroup::watch().
  static Result<std::shared_ptr<IndexHint>> start(Parts parts, const std::string& mount_point);

 private:
  IndexHint(Parts parts, kernel::ChangeGroup changes);
  // The callbacks are not called once this is gone.
  void wait_for_change();
  void settle();
  void refresh();
  void rest(std::chrono::steady_clock::duration took);

  Parts parts_;
  kernel::ChangeGroup changes_;
  bool changed_ = false;  // since the last index
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Deadline next_;
};

// Those of all file systems that have an index, where pmend.json asks for it ("index_hints").
class IndexHints {
 public:
  using Notice = std::function<void(const std::string& source, const std::string& text)>;

  // `setting` outlives this.
  IndexHints(boost::asio::io_context& io, const Setting& setting, RunChild run_child, Notice notice);

  // After a question was answered: there may be more indexes.
  void look();
  // A mark goes with its mount: all begin anew.
  void mounts_changed();

 private:
  void watch(dev_t device);

  boost::asio::io_context& io_;
  const Setting& setting_;
  RunChild run_child_;
  Notice notice_;
  std::map<dev_t, std::shared_ptr<IndexHint>> hints_;  // null: it cannot be watched
};

}  // namespace pmend::worker
