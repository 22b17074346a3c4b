// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/xfs_parents.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace pmend::kernel {
namespace {

// struct xfs_handle, xfs_getparents_rec, xfs_getparents and xfs_getparents_by_handle; the headers of Debian 12 end
// before them.
struct KernelHandle {
  std::uint64_t file_system;  // not looked at: the descriptor says which
  std::uint16_t rest_bytes;
  std::uint16_t pad;
  std::uint32_t generation;
  std::uint64_t inode;
};
static_assert(sizeof(KernelHandle) == 24);

struct KernelRecord {
  KernelHandle parent;
  std::uint32_t record_bytes;
  std::uint32_t reserved;
  // The name with a NUL follows.
};
static_assert(sizeof(KernelRecord) == 32);

struct KernelParentsRequest {
  KernelHandle handle;
  std::array<std::uint32_t, 4> cursor;
  std::uint16_t input_flags;
  std::uint16_t output_flags;
  std::uint32_t buffer_bytes;
  std::uint64_t reserved;
  std::uint64_t buffer;
};
static_assert(sizeof(KernelParentsRequest) == 64);

constexpr unsigned long kParentsRequest = _IOWR('X', 63, KernelParentsRequest);
constexpr std::uint16_t kDone = 1U << 1U;  // XFS_GETPARENTS_OFLAG_DONE
// xfs_filehandle_fid_len(): of what follows the length itself.
constexpr std::uint16_t kHandleRestBytes = 14;
constexpr std::size_t kBufferBytes = 16U << 10U;

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

std::string text_of(const InodeId& id) {
  return "parents of inode " + std::to_string(id.inode);
}

}  // namespace

Result<std::vector<ParentPointer>> parse_parent_records(std::span<const std::byte> buffer) {
  std::vector<ParentPointer> parents;
  while (buffer.size() >= sizeof(KernelRecord)) {
    KernelRecord record{};
    std::memcpy(&record, buffer.data(), sizeof record);
    if (record.record_bytes == 0) {
      break;  // where there are no more, the kernel leaves the buffer as it was
    }
    if (record.record_bytes <= sizeof record || record.record_bytes > buffer.size()) {
      return fail(Errc::kInvalid, "a parent pointer of " + std::to_string(record.record_bytes) + " bytes");
    }
    const auto* const text = static_cast<const char*>(static_cast<const void*>(buffer.data())) + sizeof record;
    const std::string_view rest(text, record.record_bytes - sizeof record);
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos || !is_name(rest.substr(0, end))) {
      return fail(Errc::kInvalid, "the name in a parent pointer");
    }
    parents.push_back({{record.parent.inode, record.parent.generation}, std::string(rest.substr(0, end))});
    buffer = buffer.subspan(record.record_bytes);
  }
  return parents;
}

Result<std::vector<ParentPointer>> xfs_parents(int root_fd, const InodeId& id, std::size_t most) {
  std::vector<ParentPointer> all;
  std::vector<std::byte> buffer(kBufferBytes);
  KernelParentsRequest request{};
  request.handle = {0, kHandleRestBytes, 0, id.generation, id.inode};
  request.buffer_bytes = kBufferBytes;
  request.buffer = reinterpret_cast<std::uintptr_t>(buffer.data());
  while (all.size() < most) {
    std::memset(buffer.data(), 0, buffer.size());
    if (ioctl(root_fd, kParentsRequest, &request) < 0) {
      return fail_errno(text_of(id));
    }
    auto parents = parse_parent_records(buffer);
    if (!parents) {
      return wrap(parents.error(), text_of(id));
    }
    const bool done = (request.output_flags & kDone) != 0;
    if (parents->empty() && !done) {
      return fail(Errc::kInvalid, text_of(id) + ": neither a name nor the end");
    }
    for (ParentPointer& parent : *parents) {
      all.push_back(std::move(parent));
    }
    if (done) {
      break;
    }
  }
  all.resize(std::min(all.size(), most));
  return all;
}

}  // namespace pmend::kernel
