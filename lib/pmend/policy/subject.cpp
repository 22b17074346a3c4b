// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/subject.hpp"

#include <algorithm>

namespace pmend {
namespace {

using Texts = std::optional<std::vector<std::string_view>>;
using Numbers = std::optional<std::vector<std::uint64_t>>;

// Stands for an owner that nobody could name.
const Owner& unknown_owner() {
  static const Owner owner;
  return owner;
}

bool is_file_or_unknown(const Owner& owner) {
  return owner.kind == OwnerKind::kFile || owner.kind == OwnerKind::kUnknown;
}

// For a fact that is absent: unknown where it can exist, else known that there is none.
template <class T>
std::optional<std::vector<T>> absent(bool can_exist) {
  return can_exist ? std::nullopt : std::optional(std::vector<T>());
}

template <class T>
std::optional<std::vector<T>> just(T value) {
  return std::vector<T>{value};
}

// A text that is empty when there is none.
Texts unless_empty(const std::string& text) {
  return text.empty() ? absent<std::string_view>(false) : just(std::string_view(text));
}

Texts filesystem_text(TextKey key, const Owner& owner) {
  if (!owner.filesystem) {
    return absent<std::string_view>(owner.kind != OwnerKind::kRaw);
  }
  const FileSystemRef& filesystem = *owner.filesystem;
  if (key == TextKey::kFilesystemUuid) {
    return unless_empty(filesystem.uuid);
  }
  if (key == TextKey::kFilesystemLabel) {
    return unless_empty(filesystem.label);
  }
  if (key == TextKey::kMountPoint) {
    return unless_empty(filesystem.mount_point);
  }
  return just(std::string_view(filesystem.type));
}

Texts name_text(const Subject& subject) {
  return subject.name != nullptr ? just(std::string_view(subject.name->bytes))
                                 : absent<std::string_view>(subject.name_unknown);
}

Texts open_by_texts(const Owner& owner) {
  if (!owner.open_by) {
    return absent<std::string_view>(owner.kind != OwnerKind::kMetadata && owner.kind != OwnerKind::kFree);
  }
  std::vector<std::string_view> texts;
  for (const OpenBy& process : *owner.open_by) {
    texts.emplace_back(process.comm);
  }
  return texts;
}

Texts xattr_texts(const Owner& owner) {
  if (!owner.xattrs) {
    return absent<std::string_view>(is_file_or_unknown(owner));
  }
  std::vector<std::string_view> texts;
  for (const Xattr& xattr : *owner.xattrs) {
    texts.emplace_back(xattr.name);
  }
  return texts;
}

Numbers plan_number(const std::optional<std::uint64_t>& number) {
  return number ? just(*number) : std::nullopt;
}

std::optional<bool> mapped_flag(const Owner& owner) {
  if (!owner.open_by) {
    return open_by_texts(owner) ? std::optional(false) : std::nullopt;
  }
  return std::any_of(owner.open_by->begin(), owner.open_by->end(),
                     [](const OpenBy& process) { return process.mapped; });
}

}  // namespace

std::vector<Subject> subjects_of(const std::vector<Owner>& owners) {
  if (owners.empty()) {
    return {{&unknown_owner(), nullptr, true}};
  }
  std::vector<Subject> subjects;
  for (const Owner& owner : owners) {
    for (const FilePath& path : owner.paths) {
      subjects.push_back({&owner, &path, false});
    }
    const bool named = is_file_or_unknown(owner);
    if (owner.paths.empty() || (named && !owner.all_names)) {
      subjects.push_back({&owner, nullptr, named});
    }
  }
  return subjects;
}

Texts texts_of(TextKey key, const PolicyFacts& facts, const Subject& subject) {
  switch (key) {
    case TextKey::kDevice:
      return facts.device.empty() ? std::nullopt : just(std::string_view(facts.device));
    case TextKey::kFilesystemType:
    case TextKey::kFilesystemUuid:
    case TextKey::kFilesystemLabel:
    case TextKey::kMountPoint:
      return filesystem_text(key, *subject.owner);
    case TextKey::kPath:
      return name_text(subject);
    case TextKey::kOpenBy:
      return open_by_texts(*subject.owner);
    case TextKey::kSource:
      return facts.sources.empty() ? std::nullopt : Texts(std::in_place, facts.sources.begin(), facts.sources.end());
    case TextKey::kXattr:
      return xattr_texts(*subject.owner);
  }
  return std::nullopt;
}

Numbers numbers_of(NumberKey key, const PolicyFacts& facts, const Subject& subject) {
  if (key == NumberKey::kBytesBad) {
    return plan_number(facts.bytes_bad);
  }
  if (key == NumberKey::kBytesLost) {
    return plan_number(facts.bytes_lost);
  }
  const auto& attributes = subject.owner->attributes;
  if (!attributes) {
    return absent<std::uint64_t>(is_file_or_unknown(*subject.owner));
  }
  if (key == NumberKey::kFileSize) {
    return just(attributes->size);
  }
  return just<std::uint64_t>(key == NumberKey::kUid ? attributes->uid : attributes->gid);
}

std::optional<bool> flag_of(FlagKey key, const PolicyFacts& facts, const Subject& subject) {
  switch (key) {
    case FlagKey::kShared:
      return subject.owner->kind == OwnerKind::kUnknown ? std::nullopt : std::optional(subject.owner->shared);
    case FlagKey::kMapped:
      return mapped_flag(*subject.owner);
    case FlagKey::kRecurrence:
      return facts.recurrence;
    case FlagKey::kPhantom:
      // Without records nothing can be absent from them: there are no phantoms on a device of that kind.
      return facts.has_ars ? facts.phantom : std::optional(facts.phantom == true);
  }
  return std::nullopt;
}

std::optional<OwnerKind> owner_of(const Subject& subject) {
  const OwnerKind kind = subject.owner->kind;
  return kind == OwnerKind::kUnknown ? std::nullopt : std::optional(kind);
}

}  // namespace pmend
