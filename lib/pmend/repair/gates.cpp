// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/gates.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/quarantine.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <string_view>

namespace pmend::repair {
namespace {

constexpr std::array kTypes = {std::string_view("xfs"), std::string_view("ext4")};

bool is_known_type(const std::string& type) {
  for (const std::string_view known : kTypes) {
    if (type == known) {
      return true;
    }
  }
  return false;
}

struct NamedKind {
  bool kernel::FileFacts::*kind;
  const char* reason;
};
constexpr std::array kForbiddenKinds = {
    NamedKind{&kernel::FileFacts::append_only, "the file is append-only: chattr -a makes it repairable"},
    NamedKind{&kernel::FileFacts::verity, "the file is protected by fs-verity and can only be replaced"},
    NamedKind{&kernel::FileFacts::encrypted, "the file is encrypted: its blocks are not what is read"},
    NamedKind{&kernel::FileFacts::compressed, "the file is compressed: its blocks are not what is read"},
    NamedKind{&kernel::FileFacts::journal_data, "the file's data goes through the journal: chattr -j changes that"},
    NamedKind{&kernel::FileFacts::inline_data, "the file's data lies in its inode"},
    NamedKind{&kernel::FileFacts::realtime, "the file's data lies on the realtime device"},
};

// Extended attributes that the kernel removes or makes anew when somebody writes.
constexpr std::array kWrittenXattrs = {"security.capability", "security.ima", "security.evm"};

constexpr const char* kProbeXattr = "trusted.pmend.none";

}  // namespace

std::optional<std::string> forbidden_place(const Place& place) {
  if (!place.forbidden.empty()) {
    return place.forbidden.front();
  }
  if (!is_known_type(place.filesystem.type)) {
    return "files on " + (place.filesystem.type.empty() ? "no known file system" : place.filesystem.type) +
           " are not repaired: only XFS and ext4 are";
  }
  if (place.file_system_offset % place.unit_bytes() != 0) {
    return "the file system's partition begins within a page of the medium, which is written in whole pages";
  }
  return std::nullopt;
}

std::optional<std::string> forbidden_memory(const Place& place, std::uint64_t hardware_corrupted_kib) {
  if (place.memory && hardware_corrupted_kib != 0) {
    return "this machine had a memory error since boot (HardwareCorrupted " + std::to_string(hardware_corrupted_kib) +
           " kB): a write to memory that took it could crash the kernel; a reboot makes the place repairable";
  }
  return std::nullopt;
}

Result<std::optional<std::string>> forbidden_now(const Place& place) {
  const auto corrupted = hardware_corrupted_kib(place);
  if (!corrupted) {
    return tl::make_unexpected(corrupted.error());
  }
  auto reason = forbidden_place(place);
  return reason ? reason : forbidden_memory(place, *corrupted);
}

std::optional<std::string> forbidden_content(const TargetFacts& facts) {
  if (!S_ISREG(facts.attributes.mode)) {
    return "it is not a regular file";
  }
  if (const auto quarantine = facts.xattrs.find(kQuarantineXattr); quarantine != facts.xattrs.end()) {
    return "kept in quarantine (" + escape_bytes(quarantine->second) +
           "): no other file has the block; removing this one gives it back to the file system, bad as it is";
  }
  for (const NamedKind& forbidden : kForbiddenKinds) {
    if (facts.kinds.*forbidden.kind) {
      return forbidden.reason;
    }
  }
  if (facts.kernel_user) {
    return "the file is in use as " + *facts.kernel_user + ": it becomes repairable when that ends";
  }
  if (facts.direct_alignment == 0U) {
    return "the file system takes no direct writes for this file (data=journal, or encrypted)";
  }
  return std::nullopt;
}

std::optional<std::string> forbidden_file(const TargetFacts& facts) {
  if (auto reason = forbidden_content(facts)) {
    return reason;
  }
  if (facts.kinds.immutable) {
    return "the file is immutable: chattr -i makes it repairable";
  }
  if (!facts.runners.empty()) {
    return "the file is a running program: end " + facts.runners.front() + " to make it repairable";
  }
  return std::nullopt;
}

std::optional<std::string> forbidden_exchange(const Place& place, const TargetFacts& facts) {
  if (!facts.kinds.dax) {
    return std::nullopt;
  }
  if (const auto seen = place.sees_all_processes(); !seen) {
    return "whether somebody has the file mapped cannot be told: " + seen.error().message();
  }
  for (const OpenBy& user : place.openers(facts.device, facts.inode)) {
    if (user.mapped) {
      return "the file is mapped by " + std::to_string(user.pid) + " (" + escape_bytes(user.comm) +
             "), whose stores an exchange could miss: it becomes repairable when that ends, or by frozen-write where a "
             "rule names it";
    }
  }
  return std::nullopt;
}

std::optional<std::string> forbidden_write(const TargetFacts& facts) {
  for (const char* name : kWrittenXattrs) {
    if (facts.xattrs.contains(name)) {
      return std::string("a write would remove or change the file's ") + name;
    }
  }
  constexpr std::uint32_t kSetGroup = S_ISGID | S_IXGRP;
  const std::uint32_t mode = facts.attributes.mode;
  const bool set_id = (mode & S_ISUID) != 0 || (mode & kSetGroup) == kSetGroup;
  if (set_id && facts.write_strips_setid) {
    return "a write would clear the file's set-user-ID or set-group-ID bit: this process lacks CAP_FSETID";
  }
  return std::nullopt;
}

Result<std::uint64_t> hardware_corrupted_kib(const std::string& meminfo) {
  const auto text = read_text_file(meminfo);
  if (!text) {
    return tl::make_unexpected(text.error());
  }
  constexpr std::string_view kKey = "HardwareCorrupted:";
  const std::size_t key = text->find(kKey);
  if (key == std::string::npos) {
    return 0;
  }
  const std::size_t begin = text->find_first_not_of(' ', key + kKey.size());
  return parse_u64(std::string_view(*text).substr(begin, text->find(' ', begin) - begin));
}

Result<std::uint64_t> hardware_corrupted_kib(const Place& place) {
  return place.memory_errors_kib ? place.memory_errors_kib() : hardware_corrupted_kib();
}

Result<bool> is_frozen(int fd, std::chrono::milliseconds limit) {
  // Removing what is not there starts a change and ends it without one; on a frozen file system it never starts.
  const auto child = run_in_child(limit, [fd] {
    (void)fremovexattr(fd, kProbeXattr);  // whatever it says: it came back
    return 0;
  });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  return child->end != ChildEnd::kExited;
}

}  // namespace pmend::repair
