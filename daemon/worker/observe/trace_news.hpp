// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/block/device.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/protocol.hpp"
#include "worker/machine_checks.hpp"
#include "worker/observe/block_errors.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/observe/trace_source.hpp"
#include "worker/observe/unlisted_memory.hpp"
#include "worker/observe/xfs_health.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pmend::worker {

// What events of tracepoints, and of health monitors of XFS, mean. The lists of bad sectors stay what says where a
// medium is bad; an event is a reason to look there at once, by a read in a child, and the only word of what no list
// has: pages that took a machine check.
class TraceNews {
 public:
  struct Parts {
    boost::asio::io_context& io;
    const Setting& setting;  // as it is at the time
    RunChild run_child;
    std::function<void(const MediaErrorList&)> tell;
    std::function<void(protocol::EventKind, Json)> send_event;  // gaps and notices
    std::function<PlacePhysical()> placer;                      // asked in a child
    // Whether these bytes of a device are being read by a scrub of ours: what fails there is no news.
    std::function<bool(const std::string& node, const ByteRange& device_range)> is_scrubbed;
  };

  explicit TraceNews(Parts parts);

  // The events that come, or why there are none.
  void add_to(protocol::WatchReply& reply) const;
  void add_counters(std::vector<protocol::SourceCounters>& counters) const;

  // The device is watched from here on. With `own_list` pmend keeps its list of bad sectors itself.
  void device_found(const block::BlockDevice& device, const std::string& device_id, bool own_list);
  void device_gone(const std::string& node);
  void mounts_changed() { health_.look(); }
  // A list may be another one now, or somebody wants to know: what no list has is looked at again.
  void look_again();

 private:
  // Of a device with an own list: where it lies on its disk, whose errors the kernel tells.
  struct OnDisk {
    dev_t disk = 0;
    ByteRange disk_range;
    BlockErrors errors;
  };
  struct Watched {
    std::string device_id;
    dev_t number = 0;
    std::optional<OnDisk> on_disk;
    RangeSet suspects;  // where XFS met errors of the medium
  };
  // Of a whole disk.
  struct OnWholeDisk {
    dev_t disk = 0;
    ByteRange disk_range;
  };

  void take(const TraceEvent& event);
  void take_lost(std::uint64_t lost);
  // False: no list of pmend's own is of these bytes of the disk.
  bool take_block_error(const OnWholeDisk& lost);
  void take_memory(const ByteRange& physical, bool counts);
  void take_cxl(const CxlMediaError& error);
  void ignore() { ++counters_.spurious; }
  OnWholeDisk on_whole_disk(dev_t device, const ByteRange& device_range) const;
  bool is_watched(dev_t device) const;
  void take_media_error(dev_t device, const ByteRange& device_range);

  void start_reread(const std::string& node, Watched& watched);
  void reread_done(const std::string& node);
  void look_soon();
  void look();
  void tell(const Answer& answer);
  void tell_list(const MediaErrorList& list);
  void notice(const std::string& text);

  Parts parts_;
  protocol::SourceCounters counters_;
  std::map<std::string, Watched> watched_;  // by node
  std::unique_ptr<MachineCheckFile> file_;  // none: the boot is not known
  MachineChecks checks_;
  RangeSet cxl_;
  bool told_outside_ = false;
  bool looking_ = false;
  bool look_once_more_ = false;
  std::map<std::pair<std::string, std::string>, MediaErrorList> told_;  // by source and node
  loop::Deadline next_look_;
  XfsHealth health_;
  TraceSource source_;  // last: it may call from the beginning
};

}  // namespace pmend::worker
