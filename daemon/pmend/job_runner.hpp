// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_client.hpp"
#include "loop/deadline.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/log.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/errands.hpp"
#include "pmend/put_input.hpp"
#include "pmend/settings.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace pmend::daemon {

// The repairing workers: one process for each job. What they say becomes inputs of the engine; each job ends with
// WorkerGone, when the process has ended.
class JobRunner {
 public:
  struct Parts {
    boost::asio::io_context& io;
    log::Sink& log;
    client::WorkerPlace place;
    PutInput put;
    // The medium may retry each sector for long, and each step waits for the ledger.
    std::chrono::seconds job_limit;
    client::WorkerLimits limits;
  };
  explicit JobRunner(Parts parts);

  void run(const engine::RunJob& command);
  void proceed(const engine::Proceed& command);
  void release(const engine::Release& command);
  void cancel(JobId id);
  void inspect() { errands_.inspect(); }

 private:
  struct Job {
    explicit Job(boost::asio::io_context& io) : linger(io) {}

    RequestId request;      // the job itself
    bool answered = false;  // what is left to do is to release the spool
    loop::Deadline linger;  // until then
    std::unique_ptr<client::WorkerClient> worker;
  };

  Job* find(JobId id);
  void take(JobId id, const protocol::Event& event);
  void finished(JobId id, tl::expected<protocol::RepairReply, protocol::ReplyError> reply);
  void lost(JobId id, const std::string& why);

  Parts parts_;
  Errands errands_;
  std::map<JobId, Job> jobs_;
};

}  // namespace pmend::daemon
