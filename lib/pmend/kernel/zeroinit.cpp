// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/zeroinit.hpp"

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pmend::kernel {
namespace {

constexpr int kZeroinitRange = 0x80;
constexpr std::size_t kScratchBytes = 4096;

bool is_refusal(int error) {
  return error == EOPNOTSUPP || error == EINVAL || error == ENOSYS;
}

}  // namespace

Result<bool> knows_zeroinit(const std::string& directory) {
  const auto scratch = open_file(directory, O_TMPFILE | O_RDWR);
  if (!scratch) {
    return tl::make_unexpected(scratch.error());
  }
  // It is for blocks that are there and written.
  if (auto written = write_exactly(scratch->get(), std::array<std::byte, kScratchBytes>{}, 0); !written) {
    return tl::make_unexpected(written.error());
  }
  if (fsync(scratch->get()) < 0) {
    return fail_errno("fsync a scratch file in " + directory);
  }
  if (fallocate(scratch->get(), kZeroinitRange | FALLOC_FL_KEEP_SIZE, 0, kScratchBytes) == 0) {
    return true;
  }
  return is_refusal(errno) ? Result<bool>(false) : fail_errno("fallocate mode 0x81 of a scratch file in " + directory);
}

}  // namespace pmend::kernel
