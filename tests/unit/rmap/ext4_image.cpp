// SPDX-License-Identifier: Apache-2.0
#include "unit/rmap/ext4_image.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace pmend::rmap::ext4 {
namespace {

constexpr std::uint64_t kImageBytes = 4U << 20U;

void fill(const std::filesystem::path& tree) {
  std::filesystem::create_directories(tree / "some/directory");
  for (int i = 0; i < 60; ++i) {
    std::ofstream(tree / "some/directory" / ("file" + std::to_string(i)))
        << std::string(static_cast<std::size_t>(i) * 400, 'x');
  }
  // Holes make extents, more than fit into an inode.
  std::ofstream sparse(tree / "sparse");
  for (int i = 0; i < 200; ++i) {
    sparse.seekp(i * 4096);
    sparse << std::string(1024, 's');
  }
  std::filesystem::create_symlink(std::string(200, 't'), tree / "link");
}

bool run(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

Image::Image(const std::vector<std::string>& mke2fs_options) {
  std::string pattern = std::filesystem::temp_directory_path() / "pmend-ext4-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  fill(directory_ / "tree");
  const std::string path = directory_ / "image";
  std::vector<std::string> command = {kMke2fs, "-q", "-F", "-t", "ext4", "-b", "1024", "-d", directory_ / "tree"};
  command.insert(command.end(), mke2fs_options.begin(), mke2fs_options.end());
  command.insert(command.end(), {path, std::to_string(kImageBytes / 1024)});
  if (!run(command)) {
    std::abort();
  }
  whole_.resize(std::filesystem::file_size(path));
  auto file = open_file(path, O_RDWR);
  if (file && read_exactly(file->get(), whole_, 0)) {
    fd_ = std::move(*file);
  }
}

Image::~Image() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Image::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  if (!write_exactly(fd_.get(), bytes, offset)) {
    std::abort();
  }
}

void Image::restore(std::uint64_t offset, std::uint64_t length) const {
  write(offset, std::span(whole_).subspan(offset, length));
}

}  // namespace pmend::rmap::ext4
