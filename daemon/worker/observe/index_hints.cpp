// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/index_hints.hpp"

#include "pmend/block/block_context.hpp"
#include "pmend/block/mounts.hpp"
#include "pmend/rmap/index_cache.hpp"
#include "pmend/rmap/owner_resolver.hpp"
#include "worker/owners.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace pmend::worker {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kQuiet{2};  // changes rarely come alone
constexpr std::chrono::minutes kRefreshLimit{10};
constexpr int kRestPerWork = 20;  // so that at most a twentieth of the time goes into new indexes

std::optional<std::string> mount_point_of(const block::SystemRoots& roots, dev_t device) {
  const auto table = block::read_mounts(roots.proc + "/self/mountinfo");
  for (const block::Mount& mount : table ? table->mounts : std::vector<block::Mount>()) {
    if (mount.device == device && mount.root == "/" && block::is_reachable(*table, mount)) {
      return mount.target;
    }
  }
  return std::nullopt;
}

Answer refresh_index_of(const Setting& setting, dev_t device) {
  const auto fail_with = [](const Error& error) {
    return tl::make_unexpected(protocol::ReplyError{protocol::ErrorCode::kNotFound, error.message()});
  };
  const auto found = block::read_device(setting.roots, device);
  const auto context = found ? block::read_block_context(setting.roots, found->node)
                             : Result<block::BlockContext>(tl::make_unexpected(found.error()));
  if (!context) {
    return fail_with(context.error());
  }
  if (context->whole.use != block::VolumeUse::kMounted) {
    return fail_with(fail(Errc::kStale, "it is not mounted").value());
  }
  rmap::ResolveOptions options;
  options.proc = setting.roots.proc;
  const auto done = rmap::refresh_index(mounted(context->whole),
                                        {index_directory(setting.options), setting.config.index_mib << 20U}, options);
  return done ? Answer(Json::object()) : fail_with(done.error());
}

}  // namespace

Result<std::shared_ptr<IndexHint>> IndexHint::start(Parts parts, const std::string& mount_point) {
  auto changes = kernel::ChangeGroup::watch(mount_point);
  if (!changes) {
    return tl::make_unexpected(changes.error());
  }
  return std::shared_ptr<IndexHint>(new IndexHint(std::move(parts), std::move(*changes)));
}

IndexHint::IndexHint(Parts parts, kernel::ChangeGroup changes)
    : parts_(std::move(parts)), changes_(std::move(changes)), next_(parts_.io) {
  wait_for_change();
}

void IndexHint::wait_for_change() {
  watch_ = std::make_unique<loop::FdWatch>(parts_.io, changes_.fd(), loop::FdWatch::For::kReadable, [this] {
    next_.set(kQuiet, [this] { settle(); });
    watch_.reset();  // nobody waits meanwhile, so nobody is woken by each change
  });
}

void IndexHint::settle() {
  const auto any = changes_.drain();
  if (!any) {
    return;  // it does not tell any more
  }
  if (*any) {
    changed_ = true;
    next_.set(kQuiet, [this] { settle(); });
  } else if (changed_) {
    refresh();
  } else {
    wait_for_change();
  }
}

void IndexHint::refresh() {
  changed_ = false;
  const auto began = steady_clock::now();
  parts_.run_child(kRefreshLimit, parts_.refresh, [weak = weak_from_this(), began](const Answer&) {
    if (const auto hint = weak.lock()) {
      hint->rest(steady_clock::now() - began);
    }
  });
}

void IndexHint::rest(steady_clock::duration took) {
  const auto pause = std::chrono::duration_cast<std::chrono::microseconds>(took * kRestPerWork);
  next_.set(std::max<std::chrono::microseconds>(pause, kQuiet), [this] { settle(); });
}

IndexHints::IndexHints(boost::asio::io_context& io, const Setting& setting, RunChild run_child, Notice notice)
    : io_(io), setting_(setting), run_child_(std::move(run_child)), notice_(std::move(notice)) {}

void IndexHints::look() {
  if (!setting_.config.index_hints) {
    return;
  }
  for (const dev_t device : rmap::kept_indexes(index_directory(setting_.options))) {
    if (!hints_.contains(device)) {
      watch(device);
    }
  }
}

void IndexHints::mounts_changed() {
  hints_.clear();
  look();
}

void IndexHints::watch(dev_t device) {
  const auto mount_point = mount_point_of(setting_.roots, device);
  if (!mount_point) {
    return;
  }
  auto hint =
      IndexHint::start({io_, run_child_, [this, device] { return refresh_index_of(setting_, device); }}, *mount_point);
  if (!hint) {
    notice_("index", "changes are not watched: " + hint.error().message());
  }
  hints_[device] = hint ? std::move(*hint) : nullptr;
}

}  // namespace pmend::worker
