// SPDX-License-Identifier: Apache-2.0
#include "support/tree.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace pmend::world {
namespace {

constexpr std::uint64_t kBlock = 4096;

UniqueFd create(const std::string& path) {
  return must(open_file(path, O_RDWR | O_CREAT | O_EXCL, 0644));
}

void write_content(int fd, ContentTag tag, const ByteRange& range) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(range.length, 1U << 20U));
  for (std::uint64_t done = 0; done < range.length; done += buffer.size()) {
    const std::span<std::byte> piece =
        std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), range.length - done));
    fill_content(piece, tag, range.offset + done);
    must(write_exactly(fd, piece, range.offset + done));
  }
}

// struct vfs_ns_cap_data of revision 2 with CAP_NET_RAW permitted and effective (linux/capability.h).
std::string capability_value() {
  const std::array<std::uint32_t, 5> words{0x02000001, 1U << 13U, 0, 0, 0};
  return {reinterpret_cast<const char*>(words.data()), sizeof(words)};
}

}  // namespace

FileModel& Tree::add_model(const std::string& name, std::uint64_t size) {
  files_.push_back(std::make_unique<FileModel>());
  FileModel& model = *files_.back();
  model.names = {name};
  model.content = {static_cast<std::uint32_t>(files_.size()), 1};
  model.size = size;
  make_parent(name);
  return model;
}

void Tree::make_parent(const std::string& name) const {
  std::filesystem::create_directories(std::filesystem::path(mount_point_ + "/" + name).parent_path());
}

FileModel& Tree::add_file(const std::string& name, std::uint64_t size) {
  return add_sparse_file(name, size, {});
}

FileModel& Tree::add_sparse_file(const std::string& name, std::uint64_t size, const std::vector<ByteRange>& holes) {
  FileModel& model = add_model(name, size);
  model.zeros = RangeSet(holes);
  const UniqueFd fd = create(path(model));
  must_call(ftruncate(fd.get(), static_cast<off_t>(size)), "ftruncate");
  for (const ByteRange& data : model.zeros.missing({0, size})) {
    write_content(fd.get(), model.content, data);
  }
  return model;
}

FileModel& Tree::add_unwritten_file(const std::string& name, std::uint64_t size) {
  FileModel& model = add_model(name, size);
  model.zeros.insert({0, size});
  const UniqueFd fd = create(path(model));
  must_call(fallocate(fd.get(), 0, 0, static_cast<off_t>(size)), "fallocate");
  return model;
}

FileModel& Tree::add_fragmented_file(const std::string& name, std::uint64_t extents) {
  FileModel& model = add_file(name, extents * 2 * kBlock);
  const UniqueFd fd = must(open_file(path(model), O_RDWR));
  must_call(fsync(fd.get()), "fsync");
  for (std::uint64_t i = 0; i < extents; ++i) {
    const ByteRange hole{(2 * i + 1) * kBlock, kBlock};
    must_call(fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(hole.offset),
                        static_cast<off_t>(hole.length)),
              "punch");
    model.zeros.insert(hole);
  }
  return model;
}

void Tree::add_hard_link(FileModel& file, const std::string& name) {
  make_parent(name);
  must_call(link(path(file).c_str(), (mount_point_ + "/" + name).c_str()), "link " + escape_bytes(name));
  file.names.push_back(name);
}

FileModel& Tree::add_reflink(const FileModel& source, const std::string& name) {
  const std::string source_path = path(source);
  FileModel& model = add_model(name, source.size);
  model.content = source.content;
  model.zeros = source.zeros;
  const UniqueFd from = must(open_file(source_path, O_RDONLY));
  const UniqueFd to = create(path(model));
  must_call(ioctl(to.get(), FICLONE, from.get()), "FICLONE " + name);
  return model;
}

void Tree::set_xattr(FileModel& file, const std::string& name, const std::string& value) {
  must_call(setxattr(path(file).c_str(), name.c_str(), value.data(), value.size(), 0), "setxattr " + name);
}

void Tree::set_capability(FileModel& file) {
  set_xattr(file, "security.capability", capability_value());
}

void Tree::add_standard_files(std::uint64_t plain, bool reflink) {
  for (std::uint64_t i = 0; i < plain; ++i) {
    add_file("dir" + std::to_string(i % 7) + "/plain" + std::to_string(i), (i % 16 + 1) * kBlock);
  }
  add_file("odd/new\nline", 2 * kBlock);
  add_file("odd/not-utf8-\xFF\xC3", 2 * kBlock);
  add_file("odd/back\\slash \"quoted\"", 2 * kBlock);
  add_file("odd/" + std::string(255, 'n'), 2 * kBlock);
  add_file("odd/-rf", 2 * kBlock);
  FileModel& linked = add_file("linked/first", 4 * kBlock);
  add_hard_link(linked, "linked/second");
  add_hard_link(linked, "elsewhere/third");
  add_sparse_file("sparse", 64 * kBlock, {{4 * kBlock, 40 * kBlock}});
  add_unwritten_file("unwritten", 8 * kBlock);
  add_file("tail", 3 * kBlock + 1636);
  add_file("empty", 0);
  add_fragmented_file("fragmented", 200);
  FileModel& tagged = add_file("tagged", 4 * kBlock);
  set_xattr(tagged, "user.note", "kept");
  set_xattr(tagged, "trusted.note", std::string("bin\0ary", 7));
  set_capability(add_file("capable", 4 * kBlock));
  FileModel& owned = add_file("owned", 4 * kBlock);
  must_call(chown(path(owned).c_str(), 1234, 4321), "chown");
  must_call(chmod(path(owned).c_str(), 04711), "chmod");
  if (reflink) {
    FileModel& original = add_file("shared/original", 16 * kBlock);
    const UniqueFd fd = must(open_file(path(original), O_RDONLY));
    must_call(fsync(fd.get()), "fsync");
    add_reflink(original, "shared/clone");
  }
}

void Tree::settle() {
  const UniqueFd root = must(open_file(mount_point_, O_RDONLY | O_DIRECTORY));
  must_call(syncfs(root.get()), "syncfs");
  for (FileModel* file : files()) {
    struct stat status {};
    must_call(lstat(path(*file).c_str(), &status), "stat " + path(*file));
    file->inode = status.st_ino;
    file->mode = status.st_mode;
    file->uid = status.st_uid;
    file->gid = status.st_gid;
    file->xattrs = read_xattrs(path(*file));
    const UniqueFd fd = must(open_file(path(*file), O_RDONLY));
    file->extents = must(kernel::fiemap(fd.get()));
  }
}

FileModel& Tree::file(const std::string& name) {
  for (FileModel* file : files()) {
    if (std::find(file->names.begin(), file->names.end(), name) != file->names.end()) {
      return *file;
    }
  }
  throw Failure("no file " + escape_bytes(name) + " in the model");
}

std::vector<FileModel*> Tree::files() {
  std::vector<FileModel*> all;
  for (const auto& file : files_) {
    all.push_back(file.get());
  }
  return all;
}

std::vector<const FileModel*> Tree::files() const {
  std::vector<const FileModel*> all;
  for (const auto& file : files_) {
    all.push_back(file.get());
  }
  return all;
}

std::map<std::string, std::string> read_xattrs(const std::string& path) {
  std::array<char, 65536> names{};
  const ssize_t length = must_call(llistxattr(path.c_str(), names.data(), names.size()), "llistxattr");
  std::map<std::string, std::string> xattrs;
  for (const char* name = names.data(); name < names.data() + length; name += std::string_view(name).size() + 1) {
    std::array<char, 65536> value{};
    const ssize_t size = must_call(lgetxattr(path.c_str(), name, value.data(), value.size()), "lgetxattr");
    xattrs[name] = std::string(value.data(), static_cast<std::size_t>(size));
  }
  return xattrs;
}

void set_immutable(const std::string& path, bool on) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  int flags = 0;
  must_call(ioctl(fd.get(), FS_IOC_GETFLAGS, &flags), "FS_IOC_GETFLAGS");
  flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  must_call(ioctl(fd.get(), FS_IOC_SETFLAGS, &flags), "FS_IOC_SETFLAGS");
}

}  // namespace pmend::world
