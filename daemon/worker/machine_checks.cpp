// SPDX-License-Identifier: Apache-2.0
#include "worker/machine_checks.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/device.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/range_list.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/place.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace pmend::worker {
namespace {

constexpr std::size_t kLargestCheckFile = 1U << 20U;
// What one memory failure adds to HardwareCorrupted.
constexpr std::uint64_t kKibOfAPage = repair::kPageBytes / 1024;
constexpr std::uint64_t kMostCounted = 1ULL << 40U;

struct CheckFile {
  std::string boot_id;
  std::vector<ByteRange> pages;
  std::uint64_t counted = 0;
};

template <class Fields, ConstOr<CheckFile> T>
void describe(Fields& field, T& file) {
  field.constant("version", 1);
  field("boot_id", file.boot_id);
  field("pages", file.pages);
  field("counted", file.counted);
  field.check([&](const JsonReader& in) {
    const auto whole = [](const ByteRange& range) {
      return range.offset % repair::kPageBytes == 0 && range.length % repair::kPageBytes == 0;
    };
    if (!are_apart_in_order(file.pages) || !std::ranges::all_of(file.pages, whole)) {
      in.problem("pages: expected whole pages, in order and without overlap");
    }
    if (file.counted > kMostCounted) {
      in.problem("counted: expected at most " + std::to_string(kMostCounted));
    }
  });
}
void read_json(const JsonReader& in, CheckFile& file) {
  read_fields(in, file);
}

}  // namespace

MachineCheckFile::MachineCheckFile(const std::string& runtime_directory, std::string boot_id)
    : path_(runtime_directory + "/machine-checks.json"), boot_id_(std::move(boot_id)) {}

Result<MachineChecks> MachineCheckFile::read() const {
  const auto text = read_text_file(path_, kLargestCheckFile);
  if (!text) {
    return text.error().is_errno(ENOENT) ? Result<MachineChecks>() : tl::make_unexpected(text.error());
  }
  const auto parsed = parse_json_text(*text, {.size_limit = kLargestCheckFile});
  if (!parsed) {
    return fail(Errc::kCorrupt, path_ + ":" + parsed.error().to_string());
  }
  JsonProblems problems;
  CheckFile file;
  read_json(JsonReader(parsed->value, problems), file);
  if (!problems.empty()) {
    return fail(Errc::kCorrupt, path_ + ": " + to_string(problems));
  }
  return file.boot_id == boot_id_ ? MachineChecks{RangeSet(file.pages), file.counted} : MachineChecks();
}

Status MachineCheckFile::write(const MachineChecks& checks) const {
  CheckFile file{boot_id_, checks.pages.ranges(), checks.counted};
  if (file.pages.size() > kMostMachineChecks) {
    file.pages.resize(kMostMachineChecks);
    file.counted = 0;
  }
  return replace_file(path_, to_json_text(write_fields(file)));
}

Result<std::uint64_t> memory_errors_kib(const Setting& setting, const ByteRange& physical) {
  const auto boot_id = block::read_boot_id(setting.roots);
  const auto corrupted = repair::hardware_corrupted_kib(setting.roots.proc + "/meminfo");
  if (!boot_id || !corrupted) {
    return tl::make_unexpected(boot_id ? corrupted.error() : boot_id.error());
  }
  const auto seen = MachineCheckFile(setting.options.runtime_dir, *boot_id).read().value_or(MachineChecks());
  const std::uint64_t placed = seen.counted * kKibOfAPage;
  std::uint64_t here = *corrupted >= placed ? *corrupted - placed : *corrupted;
  for (const ByteRange& pages : seen.pages.common(physical)) {
    here += pages.length / 1024;
  }
  return here;
}

}  // namespace pmend::worker
