// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/bus/backend.hpp"
#include "pmend/ledger/writer.hpp"
#include "pmend/put_input.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <utility>

namespace pmend::daemon {

// The ledger on its own thread, seen from the loop: what it tells comes as inputs of the engine, what it is asked is
// answered in the loop.
class Recorder {
 public:
  Recorder(boost::asio::io_context& io, Ledger ledger, LedgerReader reader, PutInput put);

  void record(LedgerRecord record) { writer_.submit(std::move(record)); }

  // `question` runs on the ledger thread.
  template <class T>
  void ask(std::function<bus::Answer<T>(LedgerReader&)> question, bus::Reply<T> reply) {
    writer_.query([this, question = std::move(question), reply = std::move(reply)](LedgerReader& reader) {
      boost::asio::post(io_, [reply, answer = question(reader)] { reply(answer); });
    });
  }

  // Nothing is recorded any more.
  bool has_failed() const { return failed_; }

  // Waits until all is written. Errors: those of LedgerWriter::stop().
  Status stop() { return writer_.stop(); }

 private:
  void take(const LedgerResult& result);

  boost::asio::io_context& io_;
  PutInput put_;
  bool failed_ = false;
  LedgerWriter writer_;  // last: its thread calls us
};

}  // namespace pmend::daemon
