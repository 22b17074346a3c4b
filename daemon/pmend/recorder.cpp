// SPDX-License-Identifier: Apache-2.0
#include "pmend/recorder.hpp"

namespace pmend::daemon {

Recorder::Recorder(boost::asio::io_context& io, Ledger ledger, LedgerReader reader, PutInput put)
    : io_(io), put_(std::move(put)), writer_(std::move(ledger), std::move(reader), [this](const LedgerResult& result) {
        boost::asio::post(io_, [this, result] { take(result); });
      }) {}

void Recorder::take(const LedgerResult& result) {
  if (result.error) {
    failed_ = true;
    put_(engine::RecordFailed{result.seq, result.error->message()});
  } else {
    put_(engine::Recorded{result.seq});
  }
}

}  // namespace pmend::daemon
