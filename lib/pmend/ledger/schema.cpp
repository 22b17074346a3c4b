// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/schema.hpp"

#include <array>
#include <map>
#include <string>

namespace pmend::ledger {
namespace {

struct Object {
  const char* name;
  const char* sql;            // as SQLite keeps it: verify_schema() compares the text
  std::uint64_t version = 1;  // that brought it
};

constexpr std::array kObjects = {
    Object{"meta", R"(CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last_seq INTEGER NOT NULL,
  next_incident INTEGER NOT NULL,
  next_job INTEGER NOT NULL,
  paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
  clean INTEGER NOT NULL CHECK (clean IN (0, 1)),
  boot_id TEXT NOT NULL
) STRICT)"},
    Object{"incidents", R"(CREATE TABLE incidents (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  finished INTEGER NOT NULL CHECK (finished IN (0, 1)),
  device_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT)"},
    Object{"incidents_by_state", "CREATE INDEX incidents_by_state ON incidents (state, id)"},
    Object{"incidents_by_device", "CREATE INDEX incidents_by_device ON incidents (device_id, id)"},
    Object{"incidents_by_seq", "CREATE INDEX incidents_by_seq ON incidents (finished, seq)"},
    Object{"media_errors", R"(CREATE TABLE media_errors (
  device_id TEXT NOT NULL,
  source TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (device_id, source)
) STRICT)"},
    Object{"plans", R"(CREATE TABLE plans (
  incident INTEGER NOT NULL REFERENCES incidents,
  hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (incident, hash)
) STRICT)"},
    Object{"decisions", R"(CREATE TABLE decisions (
  incident INTEGER PRIMARY KEY REFERENCES incidents,
  json TEXT NOT NULL
) STRICT)"},
    Object{"approvals", R"(CREATE TABLE approvals (
  incident INTEGER PRIMARY KEY,
  plan_hash TEXT NOT NULL,
  json TEXT NOT NULL,
  FOREIGN KEY (incident, plan_hash) REFERENCES plans (incident, hash)
) STRICT)"},
    Object{"jobs", R"(CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL,
  plan_hash TEXT NOT NULL,
  began TEXT NOT NULL,
  json TEXT NOT NULL,
  end_json TEXT,
  FOREIGN KEY (incident, plan_hash) REFERENCES plans (incident, hash)
) STRICT)"},
    Object{"jobs_by_plan", "CREATE INDEX jobs_by_plan ON jobs (incident, plan_hash)"},
    Object{"jobs_by_time", "CREATE INDEX jobs_by_time ON jobs (began)"},
    Object{"jobs_not_ended", "CREATE INDEX jobs_not_ended ON jobs (id) WHERE end_json IS NULL"},
    Object{"steps", R"(CREATE TABLE steps (
  job INTEGER NOT NULL REFERENCES jobs,
  step INTEGER NOT NULL,
  intent_json TEXT NOT NULL,
  outcome_json TEXT,
  PRIMARY KEY (job, step)
) STRICT)"},
    Object{"steps_open", "CREATE INDEX steps_open ON steps (job) WHERE outcome_json IS NULL"},
    Object{"reports", R"(CREATE TABLE reports (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  incident INTEGER NOT NULL REFERENCES incidents,
  job INTEGER UNIQUE REFERENCES jobs,
  json TEXT NOT NULL
) STRICT)"},
    Object{"reports_by_incident", "CREATE INDEX reports_by_incident ON reports (incident, number)"},
    Object{"devices", R"(CREATE TABLE devices (
  device_id TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT)"},
    Object{"history", R"(CREATE TABLE history (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL,
  incident INTEGER REFERENCES incidents,
  json TEXT NOT NULL
) STRICT)"},
    Object{"history_by_incident", "CREATE INDEX history_by_incident ON history (incident, number)"},
    Object{"history_stays", R"(CREATE TRIGGER history_stays BEFORE UPDATE ON history BEGIN
  SELECT RAISE(ABORT, 'history is only added to');
END)"},
    Object{"history_is_kept", R"(CREATE TRIGGER history_is_kept BEFORE DELETE ON history BEGIN
  SELECT RAISE(ABORT, 'history is only added to');
END)"},
    Object{"reports_stay", R"(CREATE TRIGGER reports_stay BEFORE UPDATE ON reports BEGIN
  SELECT RAISE(ABORT, 'reports are only added to');
END)"},
    Object{"reports_are_kept", R"(CREATE TRIGGER reports_are_kept BEFORE DELETE ON reports BEGIN
  SELECT RAISE(ABORT, 'reports are only added to');
END)"},
    // Of each proven repair what an error that comes back is compared with. The JSON of its incident has it too, but
    // there are as many of them as there ever were: all of these are read at start.
    Object{"repairs", R"(CREATE TABLE repairs (
  incident INTEGER PRIMARY KEY REFERENCES incidents,
  device_id TEXT NOT NULL,
  first INTEGER NOT NULL,
  length INTEGER NOT NULL,
  proven INTEGER NOT NULL,
  repairs INTEGER NOT NULL,
  seen INTEGER NOT NULL
) STRICT)",
           2},
    Object{"repairs_by_place", "CREATE INDEX repairs_by_place ON repairs (device_id, first)", 2},
    Object{"repairs_by_length", "CREATE INDEX repairs_by_length ON repairs (device_id, length)", 2},
};

// What the incidents of version 1 tell of their repairs; when one was proven is when its job ended.
constexpr const char* kFillRepairs = R"(INSERT INTO repairs
SELECT id, device_id, json_extract(json, '$.incident.offset'), json_extract(json, '$.incident.length'),
  CAST(strftime('%s', coalesce(
    (SELECT json_extract(end_json, '$.when') FROM jobs WHERE jobs.id = json_extract(incidents.json, '$.incident.job')),
    json_extract(json, '$.incident.first_seen'))) AS INTEGER),
  json_extract(json, '$.memory.repairs') + 1, json_extract(json, '$.incident.seen')
FROM incidents WHERE state = 'repaired')";

// A newer pmend may have other tables, so this comes before them.
Status verify_version(Sqlite& database) {
  const auto application = database.number("SELECT application_id & 0xffffffff FROM pragma_application_id");
  if (!application) {
    return tl::make_unexpected(application.error());
  }
  if (*application != kApplicationId) {
    return fail(Errc::kInvalid, "is not a ledger of pmend");
  }
  const auto version = database.number("SELECT user_version & 0xffffffff FROM pragma_user_version");
  if (!version) {
    return tl::make_unexpected(version.error());
  }
  if (*version > kSchemaVersion) {
    return fail(Errc::kUnsupported, "has schema version " + std::to_string(*version) +
                                        ", made by a newer pmend; this one knows version " +
                                        std::to_string(kSchemaVersion));
  }
  if (*version != kSchemaVersion) {
    return fail(Errc::kCorrupt, "has schema version " + std::to_string(*version) + ", which never was");
  }
  return {};
}

// What is there must be what create_schema() made in this version, and nothing else: a changed trigger or table is as
// bad as a lost one.
Status verify_objects(Sqlite& database, std::uint64_t version) {
  std::map<std::string, std::string> expected;
  for (const Object& object : kObjects) {
    if (object.version <= version) {
      expected.emplace(object.name, object.sql);
    }
  }
  Status read = database.each(
      "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", {},
      [&](SqlRow& row) -> Status {
        const std::string name = row.text(0);
        const auto found = expected.find(name);
        if (found == expected.end() || found->second != row.text(1)) {
          return fail(Errc::kCorrupt, "\"" + name + "\" is not what version " + std::to_string(version) + " has");
        }
        expected.erase(found);
        return {};
      });
  if (read && !expected.empty()) {
    return fail(Errc::kCorrupt, "\"" + expected.begin()->first + "\" is missing");
  }
  return read;
}

Status create_objects(Sqlite& database, std::uint64_t after_version) {
  for (const Object& object : kObjects) {
    if (object.version <= after_version) {
      continue;
    }
    if (Status created = database.run(object.sql); !created) {
      return wrap(created.error(), std::string("create ") + object.name);
    }
  }
  return {};
}

Status set_version(Sqlite& database) {
  return database.run("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

}  // namespace

Status create_schema(Sqlite& database) {
  const auto create = [&]() -> Status {
    if (Status created = create_objects(database, 0); !created) {
      return created;
    }
    if (Status filled = database.run("INSERT INTO meta VALUES (1, 0, 1, 1, 0, 1, '')"); !filled) {
      return filled;
    }
    if (Status named = database.run("PRAGMA application_id = " + std::to_string(kApplicationId)); !named) {
      return named;
    }
    return set_version(database);
  };
  return database.transaction(create);
}

Status upgrade_schema(Sqlite& database) {
  constexpr std::uint64_t kBefore = 1;
  const auto ours = database.number("SELECT application_id & 0xffffffff FROM pragma_application_id");
  const auto version = database.number("SELECT user_version & 0xffffffff FROM pragma_user_version");
  if (!ours || !version || *ours != kApplicationId || *version != kBefore) {
    return {};  // verify_schema() says what it is then
  }
  if (Status verified = verify_objects(database, kBefore); !verified) {
    return verified;
  }
  return database.transaction([&]() -> Status {
    if (Status created = create_objects(database, kBefore); !created) {
      return created;
    }
    if (Status filled = database.run(kFillRepairs); !filled) {
      return wrap(filled.error(), "upgrade from version " + std::to_string(kBefore));
    }
    return set_version(database);
  });
}

Status verify_schema(Sqlite& database) {
  Status version = verify_version(database);
  return version ? verify_objects(database, kSchemaVersion) : version;
}

Status configure(Sqlite& database) {
  // FULL: a commit is durable when it returns. The schema of a stranger's file must not run functions.
  for (const char* pragma : {"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF",
                             "PRAGMA cell_size_check = ON", "PRAGMA temp_store = MEMORY"}) {
    if (Status set = database.run(pragma); !set) {
      return wrap(set.error(), pragma);
    }
  }
  return {};
}

}  // namespace pmend::ledger
