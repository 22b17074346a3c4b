// SPDX-License-Identifier: Apache-2.0
#include "loop/journal_sink.hpp"

// sd_journal_sendv() without the caller's file and line: records are made elsewhere.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <sys/uio.h>

#include <string>
#include <vector>

namespace pmend::loop {

void JournalSink::write(const log::Record& record) {
  std::vector<std::string> lines{"MESSAGE=" + record.text,
                                 "PRIORITY=" + std::to_string(static_cast<int>(record.level))};
  if (!record.message_id.empty()) {
    lines.push_back("MESSAGE_ID=" + record.message_id);
  }
  for (const log::Field& field : record.fields) {
    lines.push_back("PMEND_" + field.name + "=" + field.value);
  }
  std::vector<iovec> pieces;
  for (std::string& line : lines) {
    pieces.push_back({line.data(), line.size()});
  }
  if (sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size())) < 0) {
    fallback_.write(record);
  }
}

}  // namespace pmend::loop
