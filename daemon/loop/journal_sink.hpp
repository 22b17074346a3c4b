// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/log.hpp"

namespace pmend::loop {

// Sends records to the journal with their fields as PMEND_NAME= and their MESSAGE_ID= (sd_journal_sendv(3)). Where
// there is no journal the record goes to stderr.
class JournalSink final : public log::Sink {
 public:
  void write(const log::Record& record) override;

 private:
  log::StderrSink fallback_{false};
};

}  // namespace pmend::loop
