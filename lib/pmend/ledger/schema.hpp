// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/sqlite.hpp"

#include <cstdint>

// The tables of the ledger. Values lie in them as the JSON of record.hpp; columns beside it are what is searched for or
// referred to, and reader.hpp checks that both say the same.
namespace pmend::ledger {

// Goes up with every change of tables or of stored JSON. Ledgers of older versions are brought up to date, those of
// newer ones are refused.
inline constexpr std::uint64_t kSchemaVersion = 2;
// In the header of the file: what `file` and others know it by.
inline constexpr std::uint64_t kApplicationId = 0x706d6e64;  // "pmnd"

// Creates the tables in an empty database.
Status create_schema(Sqlite& database);

// Makes an older version this one, in one transaction; nothing is done to any other. Errors: kCorrupt for one whose
// tables are not what its version has.
Status upgrade_schema(Sqlite& database);

// Errors: kInvalid for a database that is not a ledger, kUnsupported for one of a newer version (named with ours),
// kCorrupt for one whose tables are not what its version has.
Status verify_schema(Sqlite& database);

// The settings of every connection: they are not stored in the file.
Status configure(Sqlite& database);

}  // namespace pmend::ledger
