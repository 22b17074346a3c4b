// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/unproven.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>

namespace pmend::engine {
namespace {

// A reason is one line of the journal; `pmendctl show` has all owners.
constexpr std::size_t kMostNamed = 8;

// The observed owners lie in the incident already where it has been observed before.
std::vector<Owner> files_of(const Case& what, const std::vector<protocol::ObservedRange>& seen) {
  std::vector<Owner> files;
  const auto add = [&files](const std::vector<Owner>& owners) {
    for (const Owner& owner : owners) {
      const bool known = std::ranges::any_of(files, [&owner](const Owner& file) {
        return file.file == owner.file && file.device_range.overlaps(owner.device_range);
      });
      if (owner.kind == OwnerKind::kFile && !owner.unwritten && !known) {
        files.push_back(owner);
      }
    }
  };
  add(what.incident.owners);
  for (const protocol::ObservedRange& range : seen) {
    add(range.owners);
  }
  return files;
}

std::string name_of(const Owner& owner) {
  if (!owner.paths.empty()) {
    return escape_bytes(owner.paths.front().bytes);
  }
  return owner.file ? "inode " + std::to_string(owner.file->inode) : "a file";
}

std::string text_of(const Owner& owner) {
  const std::string bytes = std::to_string(owner.device_range.length) + " bytes";
  return name_of(owner) + " (" + bytes + (owner.file_offset ? " at " + std::to_string(*owner.file_offset) : "") + ")";
}

}  // namespace

std::string unproven_text(const Case& what, const std::vector<protocol::ObservedRange>& seen) {
  const std::vector<Owner> files = files_of(what, seen);
  if (files.empty()) {
    return "";
  }
  std::string text = "; nobody has proven the content of " + text_of(files.front());
  for (std::size_t i = 1; i < std::min(files.size(), kMostNamed); ++i) {
    text += ", " + text_of(files[i]);
  }
  if (files.size() > kMostNamed) {
    text += " and of " + std::to_string(files.size() - kMostNamed) + " more";
  }
  if (what.incident.outcome) {
    text += "; a repair of it had been tried before, which ended as " + std::string(to_string(*what.incident.outcome));
  }
  return text;
}

}  // namespace pmend::engine
