// SPDX-License-Identifier: Apache-2.0
#include "kernel/repair/exchange_world.hpp"

#include "pmend/repair/quarantine.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

namespace pmend::world {
namespace {

FileModel& model_of(RepairBench& bench, std::uint64_t inode) {
  const auto files = bench.world().tree().files();
  return **std::find_if(files.begin(), files.end(), [inode](const FileModel* file) { return file->inode == inode; });
}

// The mapping of a file without a piece of it.
std::vector<kernel::FileExtent> without(const std::vector<kernel::FileExtent>& extents, const RangeSet& pieces) {
  std::vector<kernel::FileExtent> rest;
  for (const kernel::FileExtent& extent : extents) {
    for (const ByteRange& part : pieces.missing(extent.file_range())) {
      rest.push_back(
          {part.offset, extent.device_offset + (part.offset - extent.file_offset), part.length, extent.flags});
    }
  }
  return rest;
}

// Where these pieces of a file lie.
std::vector<ByteRange> places_of(const std::vector<kernel::FileExtent>& extents, const RangeSet& pieces) {
  std::vector<ByteRange> places;
  for (const kernel::FileExtent& extent : extents) {
    for (const ByteRange& part : pieces.common(extent.file_range())) {
      places.push_back({extent.device_offset + (part.offset - extent.file_offset), part.length});
    }
  }
  return places;
}

}  // namespace

void ExchangeTest::SetUp() {
  KernelTest::SetUp();
  if (const auto reason = exchange_unavailable(); reason && !IsSkipped()) {
    GTEST_SKIP() << *reason;
  }
}

std::vector<Method> exchange_methods() {
  return {Method::kRedirty, Method::kExchange, Method::kRewrite};
}

WorldOptions exchange_world(bool standard_files) {
  WorldOptions options = plain_world(FsType::kXfs);
  options.fs.exchange = true;
  options.standard_files = standard_files;
  return options;
}

std::vector<ByteRange> take_exchange(RepairBench& bench, const Plan& plan) {
  std::vector<ByteRange> touched;
  std::map<std::uint64_t, RangeSet> pieces;
  for (const PlannedUnit& planned : plan.units) {
    touched.push_back(planned.unit.device_range);
    for (const Mapping& mapping : planned.mappings) {
      pieces[mapping.file.inode].insert({mapping.file_offset, mapping.device_range.length});
    }
  }
  const RangeSet old(touched);
  for (const auto& [inode, ranges] : pieces) {
    FileModel& file = model_of(bench, inode);
    const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_RDONLY));
    const auto now = must(kernel::fiemap(fd.get()));
    EXPECT_EQ(without(now, ranges), without(file.extents, ranges)) << file.name();
    for (const ByteRange& place : places_of(now, ranges)) {
      EXPECT_FALSE(old.overlaps(place)) << file.name() << " still has the bad block";
      touched.push_back(place);
    }
    file.extents = now;
  }
  return touched;
}

std::vector<std::string> quarantined(RepairBench& bench) {
  const std::string directory = bench.world().fs().mount_point() + "/" + repair::kQuarantineName;
  std::vector<std::string> names;
  if (std::filesystem::exists(directory)) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      names.push_back(entry.path().filename());
    }
  }
  return names;
}

std::vector<Difference> wrong_beside_quarantine(RepairBench& bench) {
  auto differences = bench.world().compare();
  std::erase_if(differences, [](const Difference& difference) {
    return difference.wrong == Wrong::kExtra && difference.path.starts_with(repair::kQuarantineName);
  });
  return differences;
}

}  // namespace pmend::world
