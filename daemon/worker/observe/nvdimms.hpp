// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/nvdimm/topology.hpp"
#include "worker/observe/ars_watch.hpp"
#include "worker/observe/dimm_watch.hpp"
#include "worker/observe/list_watch.hpp"
#include "worker/observe/phantoms.hpp"
#include "worker/observe/run_child.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace pmend::worker {

inline constexpr const char* kArsRecords = "ars";

// What persistent memory says beside the lists of its block devices: the lists of its regions, which also have what no
// block device has, and the records of address range scrubs. The lists of the block devices stay what repairs go by.
class Nvdimms {
 public:
  struct Parts {
    boost::asio::io_context& io;
    RunChild run_child;
    std::function<void(const MediaErrorList&)> tell;
    std::function<void(const std::string& source, const std::string& text)> notice;  // for people
    std::function<void()> changed;  // what devices are told to be may be out of date
    // What a watched device is known by; nothing for others.
    std::function<std::optional<std::string>(const std::string& node)> device_id;
  };
  explicit Nvdimms(Parts parts);

  // Namespaces may have come or gone: asks libndctl again.
  void rescan();
  // A device is watched from now on, or is known by another id.
  void device_found(const std::string& node);
  void device_gone(const std::string& node);
  // The kernel's list of a watched device as it was read.
  void kernel_list(const std::string& node, const repair::BadList& list);

  // For a child: whether a listed range of a device is a phantom, as of now; nothing where it cannot be told.
  std::function<std::optional<bool>(const std::string& node, const ByteRange& device_range)> phantom_judge() const;

  // The scrubs of the bus that the device is on; nothing where its firmware has none.
  ArsWatch* scrubs_of(const std::string& node);
  // One on each bus that can, and where none is under way.
  void start_scrubs();
  // What the regions' lists and records of scrubs say is bad of a device, believed or not.
  RangeSet hints(const std::string& node) const;
  std::vector<protocol::SourceCounters> counters() const;
  // What records say of a device's bytes.
  RangeSet on_device(const std::string& node, const ScrubRecords& records) const;

 private:
  struct RegionWatch {
    nvdimm::Region region;
    std::unique_ptr<ListWatch> list;
    std::optional<repair::BadList> read;
    std::set<std::string> named;  // the bad places outside of devices that were told of
  };
  struct Device {
    repair::BadList list;
    FirstSeen seen;
  };

  void take(const Answer& answer);
  void watch_regions(const nvdimm::Topology& topology);
  void watch_buses(const nvdimm::Topology& topology);
  void watch_dimms(const nvdimm::Topology& topology);
  void tell_people(const nvdimm::Topology& before, const nvdimm::Topology& now);
  void region_read(const std::string& name, const Result<repair::BadList>& list);
  void tell_region(RegionWatch& watch);
  void note_seen(const std::string& node);
  void tell_records(const std::string& node);
  void tell_if_new(MediaErrorList list);

  Parts parts_;
  nvdimm::Topology topology_;
  bool read_once_ = false;
  bool reading_ = false;
  bool read_again_ = false;
  std::map<std::string, RegionWatch> regions_;
  std::map<std::string, std::unique_ptr<ArsWatch>> buses_;              // those that scrub, by name
  std::map<std::string, std::unique_ptr<DimmWatch>> dimms_;             // by name
  std::set<std::string> listless_;                                      // the namespaces that were told of
  std::map<std::string, Device> devices_;                               // by node
  std::map<std::pair<std::string, std::string>, MediaErrorList> told_;  // by node and source
};

}  // namespace pmend::worker
