// SPDX-License-Identifier: Apache-2.0
// The reader of ext4, from a block device that may say anything.
#include "fuzz/must_hold.hpp"
#include "fuzz/sparse_image.hpp"
#include "pmend/rmap/ext4/bitmap.hpp"
#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/unmounted.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace pmend;
using namespace pmend::rmap;

bool is_possible(const ext4::Geometry& geometry, const IndexedExtent& extent) {
  return extent.length != 0 && extent.device_block >= geometry.first_data_block &&
         extent.device_block < geometry.blocks && extent.length <= geometry.blocks - extent.device_block &&
         extent.inode != 0 && extent.inode <= geometry.inodes() && extent.file_block + extent.length <= 1ULL << 32U;
}

// All extents are found in an index at their first and their last block.
void check_index(const std::vector<IndexedExtent>& extents) {
  constexpr std::size_t kMostLookedUp = 64;
  ExtentIndexBuilder builder;
  for (const IndexedExtent& extent : extents) {
    builder.add(extent);
  }
  const ExtentIndex index = std::move(builder).build();
  std::vector<IndexedExtent> found;
  for (std::size_t i = 0; i < std::min(extents.size(), kMostLookedUp); ++i) {
    for (const std::uint64_t block : {extents[i].device_block, extents[i].device_block + extents[i].length - 1}) {
      found.clear();
      index.find(block, 1, found);
      fuzz::must_hold(std::ranges::any_of(found,
                                          [&](const IndexedExtent& one) {
                                            return one.inode == extents[i].inode && one.role == extents[i].role &&
                                                   one.device_block <= block && block < one.device_block + one.length;
                                          }),
                      "the index finds what was put into it");
    }
  }
}

void scan_all(const ext4::Layout& layout, ext4::Damage damage) {
  std::vector<IndexedExtent> extents;
  ext4::ScanOptions options;
  options.sink = [&](const IndexedExtent& extent) {
    fuzz::must_hold(is_possible(layout.geometry, extent), "an extent lies on the device");
    extents.push_back(extent);
  };
  options.wants_links = [] { return true; };
  const auto report = ext4::scan(layout, options, std::move(damage));
  for (const ParentLink& link : report.links) {
    fuzz::must_hold(link.inode != 0 && link.inode <= layout.geometry.inodes() && link.directory != 0 &&
                        link.directory <= layout.geometry.inodes(),
                    "a link is of inodes that there are");
  }
  check_index(extents);
}

// Every byte is answered, whatever names and directories are.
void check_unmounted(int fd) {
  const ByteRange whole{0, fuzz::SparseImage::kBytes};
  const auto owners = read_unmounted_ext4({{.type = "ext4"}, fd, false, {}}, {whole});
  RangeSet answered;
  for (const Owner& owner : owners ? *owners : std::vector<Owner>()) {
    fuzz::must_hold(whole.contains(owner.device_range) && !owner.device_range.empty(), "an owner lies on the device");
    answered.insert(owner.device_range);
  }
  fuzz::must_hold(!owners || answered.total_bytes() == whole.length, "every byte is answered");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::SparseImage image;
  image.fill(std::as_bytes(std::span(data, size)));
  ext4::Damage damage;
  const auto layout = ext4::read_layout(image.fd(), damage);
  if (!layout) {
    return 0;
  }
  scan_all(*layout, std::move(damage));
  check_unmounted(image.fd());
  const RangeSet free = ext4::free_of(*layout, RangeSet({{0, fuzz::SparseImage::kBytes}})).free;
  fuzz::must_hold(free.total_bytes() <= fuzz::SparseImage::kBytes, "no more is free than there is");
  for (const std::uint32_t inode : {0U, 2U, 8U, 12U, 13U, 0xFFFFFFFFU}) {
    (void)ext4::read_blocks_of(*layout, inode);
  }
  return 0;
}
