// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/record.hpp"
#include "pmend/ledger/sqlite.hpp"

namespace pmend::ledger {

// Makes every change of the record in the transaction that the caller has open.
// Errors: those of Sqlite with the name of the change; kInvalid for a change that does not fit what is in the ledger (a
// job of an unknown plan, an outcome without intent) or that could not be read back. The transaction must then be taken
// back, for a part may have been made.
Status apply_record(Sqlite& database, const LedgerRecord& record);

}  // namespace pmend::ledger
