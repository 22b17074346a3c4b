// SPDX-License-Identifier: Apache-2.0
// The file that an index is kept in: only root can have written it, and still it must not lead a reader astray.
#include "pmend/rmap/index_file.hpp"

#include "fuzz/must_hold.hpp"
#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

namespace {

using namespace pmend;
using namespace pmend::rmap;

// A directory of its own, removed at the end.
class Place {
 public:
  Place() {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-fuzz-XXXXXX";
    fuzz::must_hold(mkdtemp(pattern.data()) != nullptr, "mkdtemp");
    directory_ = pattern;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string file() const { return directory_ / "index"; }

 private:
  std::filesystem::path directory_;
};

void ask(const InodeIndex& index) {
  std::vector<IndexedExtent> found;
  for (unsigned shift = 0; shift < 64; shift += 3) {
    found.clear();
    const std::uint64_t first = (1ULL << shift) - 1;
    index.extents.find(first, 5, found);
    for (const IndexedExtent& extent : found) {
      fuzz::must_hold(extent.device_block < first + 5 || first + 5 < first, "what is found begins before the end");
    }
    (void)index.parents.directories_of(static_cast<std::uint32_t>(first));
  }
  found.clear();
  index.extents.find(0, ~0ULL, found);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  const auto file = open_file(place.file(), O_RDWR | O_CREAT | O_TRUNC);
  fuzz::must_hold(file && write_exactly(file->get(), std::as_bytes(std::span(data, size)), 0), "write");
  if (const auto index = read_index(place.file(), {.device = 1, .uuid = "u"})) {
    ask(*index);
  }
  return 0;
}
