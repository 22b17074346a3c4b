// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/spool.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/repair_verbs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>

namespace pmend::repair {

Json to_json(const FileTime& time) {
  FieldWriter field;
  // Times before 1970 are negative: text, as the model's numbers are unsigned.
  field("seconds", std::to_string(time.seconds));
  field("nanoseconds", time.nanoseconds);
  return field.take();
}

void read_json(const JsonReader& in, FileTime& time) {
  JsonObjectReader object(in);
  if (const auto seconds = object.required("seconds")) {
    const std::string text = seconds->string();
    const bool negative = text.starts_with('-');
    const auto number = parse_u64(std::string_view(text).substr(negative ? 1 : 0));
    if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      seconds->problem("expected a number of seconds");
    } else {
      time.seconds = negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
    }
  }
  if (const auto nanoseconds = object.required("nanoseconds")) {
    time.nanoseconds = static_cast<std::uint32_t>(nanoseconds->u64(0, 999'999'999));
  }
  object.finish();
}

template <class Fields, ConstOr<SpooledUnit> T>
void describe(Fields& field, T& spooled) {
  field("unit", spooled.unit);
  field.sha256("sha256", spooled.sha256);
  field.sha256("neighbours", spooled.neighbours);
}
Json to_json(const SpooledUnit& unit) {
  return write_fields(unit);
}
void read_json(const JsonReader& in, SpooledUnit& unit) {
  read_fields(in, unit);
}

template <class Fields, ConstOr<SpoolIndex> T>
void describe(Fields& field, T& index) {
  field("job", index.job);
  field.sha256("plan_hash", index.plan_hash);
  field("units", index.units);
  field.sha256("attributes", index.attributes);
  field("size", index.size);
  field.sha256("extents", index.extents);
  field("modified", index.modified);
  field("changed", index.changed);
}
Json to_json(const SpoolIndex& index) {
  return write_fields(index);
}
void read_json(const JsonReader& in, SpoolIndex& index) {
  read_fields(in, index);
}

namespace {

namespace fs = std::filesystem;

constexpr const char* kIndexName = "index.json";
constexpr const char* kOwnTimeName = "own-time.json";

std::string unit_path(const std::string& path, std::size_t position) {
  return path + "/unit-" + std::to_string(position);
}

Status check_key(std::string_view key) {
  if (!protocol::is_spool_key(key)) {
    return fail(Errc::kInvalid, "\"" + escape_bytes(key) + "\" is no spool key");
  }
  return {};
}

std::string cleared_path(const std::string& path, std::size_t position) {
  return path + "/cleared-" + std::to_string(position);
}

std::string punch_path(const std::string& path, std::size_t position) {
  return path + "/punch-" + std::to_string(position);
}

// File content lies there: nobody else may look inside or put something in place of it.
Status check_directory(const std::string& directory) {
  struct stat status = {};
  if (lstat(directory.c_str(), &status) < 0) {
    return fail_errno("spool directory " + directory);
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::kRefused, "spool directory " + directory + ": must be a directory of uid " +
                                    std::to_string(geteuid()) + " with mode 0700");
  }
  return {};
}

Status sync_directory(const std::string& path) {
  const auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory) {
    return tl::make_unexpected(directory.error());
  }
  if (fsync(directory->get()) < 0) {
    return fail_errno("fsync " + path);
  }
  return {};
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    return fail_errno("remove " + path, error.value());
  }
  return {};
}

Result<Spool::Bytes> read_bytes(const std::string& path, std::size_t size) {
  const auto file = open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  Spool::Bytes bytes(size);
  if (auto read = read_exactly(file->get(), bytes, 0); !read) {
    return wrap(read.error(), path);
  }
  return bytes;
}

std::string sha256_of(const Spool::Bytes& bytes) {
  return sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Status write_unit(const std::string& path, const Spool::Bytes& bytes) {
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  if (auto written = write_exactly(file->get(), bytes, 0); !written) {
    return wrap(written.error(), path);
  }
  if (fsync(file->get()) < 0) {
    return fail_errno("fsync " + path);
  }
  return {};
}

// The index comes last: with it the spool is complete.
Status write_all(const std::string& path, const SpoolIndex& index, const std::vector<Spool::Bytes>& units) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (auto written = write_unit(unit_path(path, i), units[i]); !written) {
      return written;
    }
  }
  return replace_file(path + "/" + kIndexName, to_json_text(to_json(index)));
}

Result<Json> read_json_file(const std::string& path) {
  constexpr std::size_t kLimit = 4U << 20U;
  const auto text = read_text_file(path, kLimit);
  if (!text) {
    return tl::make_unexpected(text.error());
  }
  auto parsed = parse_json_text(*text, {.size_limit = kLimit});
  if (!parsed) {
    return fail(Errc::kCorrupt, path + ": " + parsed.error().to_string());
  }
  return std::move(parsed->value);
}

}  // namespace

Result<Spool> Spool::create(const std::string& directory, const std::string& key, const SpoolIndex& index,
                            const std::vector<Bytes>& units) {
  for (const Status& status : {check_key(key), check_directory(directory)}) {
    if (!status) {
      return tl::make_unexpected(status.error());
    }
  }
  const std::string path = directory + "/" + key;
  if (fs::exists(path + "/" + kIndexName)) {
    return fail(Errc::kRefused, "spool " + key + " exists: an earlier worker of this job may have begun");
  }
  if (auto removed = remove_tree(path); !removed) {
    return tl::make_unexpected(removed.error());
  }
  if (mkdir(path.c_str(), 0700) < 0) {
    return fail_errno("mkdir " + path);
  }
  Status done = write_all(path, index, units);
  if (done) {
    done = sync_directory(directory);
  }
  const Spool spool(path, index);
  for (std::size_t i = 0; done && i < units.size(); ++i) {
    const auto read_back = spool.unit(i);
    done = read_back ? Status() : tl::make_unexpected(read_back.error());
  }
  if (!done) {
    (void)remove_tree(path);  // what stays has no use and is found by list_spools()
    return tl::make_unexpected(done.error());
  }
  return spool;
}

Result<Spool> Spool::open(const std::string& directory, const std::string& key) {
  for (const Status& status : {check_key(key), check_directory(directory)}) {
    if (!status) {
      return tl::make_unexpected(status.error());
    }
  }
  const std::string path = directory + "/" + key;
  const auto json = read_json_file(path + "/" + kIndexName);
  if (!json) {
    if (json.error().is_errno(ENOENT)) {
      return fail(Errc::kNotFound, "spool " + key + " was never complete");
    }
    return tl::make_unexpected(json.error());
  }
  auto index = from_json<SpoolIndex>(*json);
  if (!index) {
    return fail(Errc::kCorrupt, "spool " + key + ": " + index.error().message());
  }
  return Spool(path, std::move(*index));
}

Result<Spool::Bytes> Spool::unit(std::size_t position) const {
  const SpooledUnit& spooled = index_.units.at(position);
  const std::string path = unit_path(path_, position);
  auto bytes = read_bytes(path, spooled.unit.device_range.length);
  if (!bytes) {
    const bool damaged = bytes.error().is(Errc::kIncomplete) || bytes.error().is_errno(ENOENT);
    return damaged ? fail(Errc::kCorrupt, bytes.error().message()) : tl::make_unexpected(bytes.error());
  }
  if (sha256_of(*bytes) != spooled.sha256) {
    return fail(Errc::kCorrupt, path + ": not the bytes that were spooled");
  }
  return bytes;
}

Status Spool::note_own_time(const FileTime& modified) const {
  return replace_file(path_ + "/" + kOwnTimeName, to_json_text(to_json(modified)));
}

std::optional<FileTime> Spool::own_time() const {
  const auto json = read_json_file(path_ + "/" + kOwnTimeName);
  const auto time = json ? from_json<FileTime>(*json) : tl::make_unexpected(json.error());
  // Without it the time is left alone.
  return time ? std::optional(*time) : std::nullopt;
}

Status Spool::note_punch(std::size_t position, const FileTime& time) const {
  return replace_file(punch_path(path_, position), to_json_text(to_json(time)));
}

std::optional<FileTime> Spool::punch_time(std::size_t position) const {
  const auto json = read_json_file(punch_path(path_, position));
  const auto time = json ? from_json<FileTime>(*json) : tl::make_unexpected(json.error());
  return time ? std::optional(*time) : std::nullopt;
}

Status Spool::note_cleared(std::size_t position) const {
  return replace_file(cleared_path(path_, position), "");
}

bool Spool::is_cleared(std::size_t position) const {
  return fs::exists(cleared_path(path_, position));
}

Status release_spool(const std::string& directory, std::string_view key) {
  if (auto valid = check_key(key); !valid) {
    return valid;
  }
  const std::string path = directory + "/" + std::string(key);
  // Without its index first: a removal that is cut off leaves something that nobody resumes from.
  if (unlink((path + "/" + kIndexName).c_str()) < 0 && errno != ENOENT) {
    return fail_errno("unlink the index of spool " + std::string(key));
  }
  if (auto removed = remove_tree(path); !removed) {
    return removed;
  }
  return fs::exists(directory) ? sync_directory(directory) : Status();
}

Result<std::vector<std::string>> list_spools(const std::string& directory) {
  std::vector<std::string> keys;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename();
    if (protocol::is_spool_key(name)) {
      keys.push_back(std::move(name));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail_errno("read spool directory " + directory, error.value());
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace pmend::repair
