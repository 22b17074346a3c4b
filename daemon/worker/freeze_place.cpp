// SPDX-License-Identifier: Apache-2.0
#include "worker/freeze_place.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/mounts.hpp"
#include "worker/guard_launch.hpp"
#include "worker/owners.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <memory>

namespace pmend::worker {
namespace {

using Objection = std::optional<std::string>;

// Names are not asked for.
constexpr FactsWanted kNoFacts() {
  return {{}, std::chrono::milliseconds(0)};
}

// Who is asked to write while it is frozen must not have to write there.
Objection needed_by_us(const Options& options, dev_t file_system) {
  const std::array<std::pair<std::string, const char*>, 9> needed{{
      {"/", "the root directory"},
      {options.state_dir, "pmend's ledger"},
      {options.spool_dir, "the spool"},
      {options.runtime_dir, "locks and markers"},
      {"/var/log/journal", "the journal"},
      {"/run", "run-time files"},
      {"/proc/self/exe", "this program"},
      {"/proc/self/cwd", "the working directory"},
      {"/proc/self/fd/2", "the log"},
  }};
  for (const auto& [path, what] : needed) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0 && status.st_dev == file_system) {
      return "the file system cannot be frozen: it holds " + std::string(what);
    }
  }
  return std::nullopt;
}

std::string objection_text(const Owner& owner) {
  const std::string who = owner.kind == OwnerKind::kMetadata ? "metadata" : "a part of which nobody knows whose it is";
  return "the file system cannot be frozen: " + who + (owner.detail.empty() ? "" : " (" + owner.detail + ")") +
         " is listed as bad at " + to_string(owner.device_range) +
         ", and if it cannot be written back a freeze never ends";
}

// Looks at every listed sector of the file system, once for each state of the list.
class ListedObjection {
 public:
  ListedObjection(const Setting& setting, const block::BlockContext& context, ByteRange volume)
      : setting_(setting), context_(context), volume_(volume) {}

  Result<Objection> ask(const repair::BadList& list) {
    if (!list.complete) {
      return Objection(
          "the file system cannot be frozen: the list of bad sectors is cut short, and metadata may be bad");
    }
    const std::vector<ByteRange> listed = list.bad.common(volume_);
    if (known_ == listed) {
      return Objection();
    }
    const auto owned = find_owners(setting_, context_, listed, kNoFacts());
    if (!owned) {
      return tl::make_unexpected(owned.error());
    }
    for (const protocol::ObservedRange& range : *owned) {
      for (const Owner& owner : range.owners) {
        if (owner.kind != OwnerKind::kFile && owner.kind != OwnerKind::kFree) {
          return Objection(objection_text(owner));
        }
      }
    }
    known_ = listed;
    return Objection();
  }

 private:
  const Setting& setting_;
  const block::BlockContext& context_;
  ByteRange volume_;
  std::optional<std::vector<ByteRange>> known_;  // had no objection
};

Result<std::vector<Owner>> owners_of(const Setting& setting, const block::BlockContext& context,
                                     const ByteRange& device_range) {
  auto owned = find_owners(setting, context, {device_range}, kNoFacts());
  if (!owned) {
    return tl::make_unexpected(owned.error());
  }
  std::vector<Owner> owners;
  for (protocol::ObservedRange& range : *owned) {
    std::move(range.owners.begin(), range.owners.end(), std::back_inserter(owners));
  }
  return owners;
}

const block::Mount* reachable_mount(const block::MountTable& table, dev_t file_system) {
  for (const block::Mount& mount : table.mounts) {
    if (mount.device == file_system && block::is_reachable(table, mount)) {
      return &mount;
    }
  }
  return nullptr;
}

}  // namespace

repair::FreezePlace freeze_place(const Setting& setting, const block::BlockContext& context,
                                 const block::RangeContext& piece, const repair::Place& place) {
  repair::FreezePlace freeze;
  freeze.node = piece.volume.device.node;
  freeze.runtime_directory = setting.options.runtime_dir;
  const ByteRange volume{place.file_system_offset, piece.volume.device.size_bytes};
  auto listed = std::make_shared<ListedObjection>(setting, context, volume);
  freeze.objection = [&setting, listed, list = place.list, number = piece.volume.device.number]() -> Result<Objection> {
    if (auto objection = needed_by_us(setting.options, number)) {
      return objection;
    }
    const auto now = list();
    return now ? listed->ask(*now) : tl::make_unexpected(now.error());
  };
  freeze.connect_guard = [&setting] { return connect_guard(setting.options); };
  freeze.owners = [&setting, &context](const ByteRange& device_range) {
    return owners_of(setting, context, device_range);
  };
  return freeze;
}

Result<std::vector<FilePath>> thaw_what_is_left(const Setting& setting) {
  const auto table = block::read_mounts(setting.roots.proc + "/self/mountinfo");
  if (!table) {
    return tl::make_unexpected(table.error());
  }
  const auto open_mount = [&table](dev_t file_system) -> Result<UniqueFd> {
    const block::Mount* mount = reachable_mount(*table, file_system);
    return mount != nullptr ? open_file(mount->target, O_RDONLY | O_DIRECTORY) : fail(Errc::kNotFound, "mount");
  };
  const auto left = repair::thaw_leftovers(setting.options.runtime_dir, open_mount, std::chrono::milliseconds(0));
  if (!left) {
    return tl::make_unexpected(left.error());
  }
  std::vector<FilePath> frozen;
  for (const dev_t file_system : left->frozen) {
    const block::Mount* mount = reachable_mount(*table, file_system);
    frozen.push_back({mount != nullptr ? mount->target : ""});
  }
  return frozen;
}

}  // namespace pmend::worker
