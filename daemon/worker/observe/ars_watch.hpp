// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/nvdimm/topology.hpp"
#include "worker/observe/phantoms.hpp"
#include "worker/observe/run_child.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::worker {

// The address range scrubs of one bus: notices when one has ended, fetches what it found, starts one. Its firmware is
// asked in a child.
class ArsWatch {
 public:
  struct Handlers {
    std::function<void()> on_records;                    // they are other ones now
    std::function<void(const std::string&)> on_problem;  // for people, each once
  };
  using OnEnd = std::function<void(const Result<ScrubRecords>&)>;

  ArsWatch(boost::asio::io_context& io, nvdimm::Bus bus, RunChild run_child, Handlers handlers);

  const nvdimm::Bus& bus() const { return bus_; }
  // Of the last scrub that ended; nothing as long as they are not known.
  const std::optional<ScrubRecords>& records() const { return records_; }
  // Starts a scrub of all that the bus has. Errors of `on_end`: the errno (EBUSY: one is under way).
  void start(OnEnd on_end);
  protocol::SourceCounters counters() const;
  bool is_waiting() const { return !waiting_.empty(); }

 private:
  struct Waiting {
    std::uint64_t ended = 0;
    OnEnd on_end;
  };

  void look();
  void fetch();
  void take(const Answer& answer);
  void end_waiting();

  boost::asio::io_context& io_;
  nvdimm::Bus bus_;
  RunChild run_child_;
  Handlers handlers_;
  UniqueFd fd_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::optional<ScrubRecords> records_;
  bool fetching_ = false;
  std::string problem_;
  protocol::SourceCounters counters_;
  std::vector<Waiting> waiting_;
  loop::Deadline look_again_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // of what a child's answer may come after
};

}  // namespace pmend::worker
