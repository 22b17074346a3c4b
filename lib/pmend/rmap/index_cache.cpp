// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_cache.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace pmend::rmap {
namespace {

struct IndexFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::filesystem::file_time_type written;
};

std::string path_of(const std::string& directory, const IndexKey& key) {
  return directory + "/" + std::to_string(major(key.device)) + ":" + std::to_string(minor(key.device));
}

// An empty file with this name beside where the index would be.
constexpr std::string_view kTooLarge = ".too-large";

std::optional<dev_t> device_of(const std::string& name) {
  const std::size_t colon = std::min(name.find(':'), name.size());
  const auto high = parse_u64(name.substr(0, colon));
  const auto low = parse_u64(name.substr(std::min(colon + 1, name.size())));
  return high && low ? std::optional(makedev(static_cast<unsigned>(*high), static_cast<unsigned>(*low))) : std::nullopt;
}

// Root's own files too: without CAP_DAC_OVERRIDE a umask can shut root out.
void make_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), S_IRWXU) == 0) {
    chmod(directory.c_str(), S_IRWXU);
  }
}

std::vector<IndexFile> index_files(const std::string& directory) {
  std::vector<IndexFile> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    std::error_code gone;
    if (entry.is_regular_file(gone)) {
      files.push_back({entry.path(), entry.file_size(gone), entry.last_write_time(gone)});
    }
  }
  return files;
}

std::vector<dev_t> devices_with(const std::string& directory, std::string_view extension) {
  std::vector<dev_t> devices;
  for (const IndexFile& file : index_files(directory)) {
    const auto device = file.path.extension() == extension ? device_of(file.path.stem().native()) : std::nullopt;
    if (device) {
      devices.push_back(*device);
    }
  }
  return devices;
}

void make_room_in(const std::string& directory, const std::string& path, std::uint64_t room) {
  auto files = index_files(directory);
  std::erase_if(files, [&path](const IndexFile& file) { return file.path == path; });
  std::ranges::sort(files, {}, &IndexFile::written);
  std::uint64_t total = 0;
  for (const IndexFile& file : files) {
    total += file.bytes;
  }
  for (auto file = files.begin(); file != files.end() && total > room; ++file) {
    std::error_code failed;
    std::filesystem::remove(file->path, failed);
    total -= file->bytes;
  }
}

}  // namespace

std::shared_ptr<const InodeIndex> IndexCache::find(const IndexKey& key) {
  const auto kept = std::ranges::find(kept_, key, &Kept::key);
  if (kept != kept_.end()) {
    return kept->index;
  }
  if (options_.directory.empty()) {
    return nullptr;
  }
  auto read = read_index(path_of(options_.directory, key), key);
  if (!read) {
    return nullptr;
  }
  kept_.push_back({key, std::make_shared<const InodeIndex>(std::move(*read))});
  return kept_.back().index;
}

void IndexCache::put(const IndexKey& key, std::shared_ptr<const InodeIndex> index) {
  std::erase_if(kept_, [&key](const Kept& kept) { return kept.key.device == key.device; });
  if (index->bytes() > options_.budget_bytes) {
    return;
  }
  make_room(options_.budget_bytes - index->bytes());
  if (!options_.directory.empty()) {
    const std::string path = path_of(options_.directory, key);
    make_directory(options_.directory);
    make_room_in(options_.directory, path, options_.budget_bytes - index->bytes());
    // What cannot be kept for others is kept in this process.
    (void)write_index(path, key, *index);
    unlink((path + std::string(kTooLarge)).c_str());
  }
  kept_.push_back({key, std::move(index)});
}

void IndexCache::make_room(std::uint64_t room) {
  std::uint64_t total = 0;
  for (const Kept& kept : kept_) {
    total += kept.index->bytes();
  }
  while (total > room) {
    total -= kept_.front().index->bytes();
    kept_.erase(kept_.begin());
  }
}

void IndexCache::note_too_large(const IndexKey& key) {
  if (options_.directory.empty()) {
    return;
  }
  make_directory(options_.directory);
  (void)open_file(path_of(options_.directory, key) + std::string(kTooLarge), O_WRONLY | O_CREAT | O_NOFOLLOW,
                  S_IRUSR | S_IWUSR);
}

std::vector<dev_t> kept_indexes(const std::string& directory) {
  return devices_with(directory, "");
}

std::vector<dev_t> too_large_indexes(const std::string& directory) {
  return devices_with(directory, kTooLarge);
}

void drop_indexes(const std::string& directory) {
  for (const IndexFile& file : index_files(directory)) {
    std::error_code failed;
    std::filesystem::remove(file.path, failed);
  }
}

}  // namespace pmend::rmap
