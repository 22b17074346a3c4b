// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/owner.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/model/pmem_info.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Bodies of the requests to the observing worker, which writes to no device and no file system that it watches, and of
// its replies.
namespace pmend::protocol {

// A device that is watched.
struct DeviceInfo {
  std::string device;                    // node
  std::string device_id;                 // see MediaError
  std::uint64_t size = 0;                // bytes
  std::uint64_t logical_block_size = 0;  // bytes
  // Bytes, what the medium itself reads and writes at once: with a logical block of 512 a 512e disk has 4096 here, a
  // 512n disk 512. As the device says; nothing depends on it.
  std::uint64_t physical_block_size = 0;
  std::uint64_t repair_unit = 0;  // bytes: 4096 where the medium is memory, else the logical block
  std::uint64_t fast_zero = 0;    // bytes that one command can zero, 0: none can (block::BlockDevice::fast_zero_bytes)
  bool dax = false;               // the medium is memory that can be mapped (whatever the mount option)
  std::optional<FileSystemRef> filesystem;
  std::optional<PmemInfo> pmem;  // it is persistent memory, on a bus that the kernel's nvdimm driver knows

  friend bool operator==(const DeviceInfo&, const DeviceInfo&) = default;
};

inline constexpr std::uint64_t kMaxIntervalS = 24U * 3600U;

// A device that pmend.json names.
struct ListedDevice {
  std::string device;
  // The list of bad sectors, a file in the format of the sysfs attribute. Absent: the kernel's list where it has one,
  // else one that pmend keeps itself of what it finds by reading.
  std::optional<FilePath> badblocks;
  std::uint64_t interval_s = 60;  // seconds between reads of a file that cannot be polled, 1 to kMaxIntervalS

  friend bool operator==(const ListedDevice&, const ListedDevice&) = default;
};

// Starts watching; the second one on a connection changes what is watched. Events follow: device-found and media-errors
// for every device first, then what happens.
struct WatchRequest {
  bool all_devices = true;            // every block device that has a list in sysfs
  std::vector<ListedDevice> devices;  // besides

  friend bool operator==(const WatchRequest&, const WatchRequest&) = default;
};
struct WatchReply {
  std::vector<std::string> sources;   // that work here
  std::vector<std::string> problems;  // for people: what cannot be watched, and why
  std::vector<std::string> absent;    // for people: kinds of sources that this machine does not have; nothing is wrong

  friend bool operator==(const WatchReply&, const WatchReply&) = default;
};

// Facts that cost something. Names are always wanted, for people know files by them; the others where a rule of the
// policy needs them.
enum class Fact {
  kNames,       // the names of each owner, as many as fit and are found within names_ms (Owner::all_names)
  kAttributes,  // Owner::attributes
  kOpenBy,      // Owner::open_by
  kXattrs,      // Owner::xattrs
  kPhantom,     // ObservedRange::phantom
};
inline constexpr std::array kFactNames = {EnumName{Fact::kNames, "names"}, EnumName{Fact::kAttributes, "attributes"},
                                          EnumName{Fact::kOpenBy, "open-by"}, EnumName{Fact::kXattrs, "xattrs"},
                                          EnumName{Fact::kPhantom, "phantom"}};
constexpr std::span<const EnumName<Fact>> enum_names(Fact) {
  return kFactNames;
}

// Who owns these ranges now, and are they still bad?
struct ObserveRequest {
  std::string device;
  std::string device_id;
  std::vector<ByteRange> ranges;
  std::vector<Fact> facts;
  std::uint64_t names_ms = 0;  // how long to look for names: a walk over a large file system must not hold up a repair

  friend bool operator==(const ObserveRequest&, const ObserveRequest&) = default;
};

enum class Listed { kYes, kNo, kUnknown };
inline constexpr std::array kListedNames = {EnumName{Listed::kYes, "yes"}, EnumName{Listed::kNo, "no"},
                                            EnumName{Listed::kUnknown, "unknown"}};
constexpr std::span<const EnumName<Listed>> enum_names(Listed) {
  return kListedNames;
}

enum class Readable {
  kYes,      // a direct read of all of it succeeded
  kNo,       // a direct read failed
  kUnknown,  // none was made, or it gave no answer in time
};
inline constexpr std::array kReadableNames = {EnumName{Readable::kYes, "yes"}, EnumName{Readable::kNo, "no"},
                                              EnumName{Readable::kUnknown, "unknown"}};
constexpr std::span<const EnumName<Readable>> enum_names(Readable) {
  return kReadableNames;
}

struct ObservedRange {
  ByteRange device_range;            // of the request, cut where the owners change; JSON: members offset and length
  Listed listed = Listed::kUnknown;  // kNo only by a complete list
  Readable readable = Readable::kUnknown;
  std::optional<bool> phantom;        // listed, but absent from fresh ARS records; absent: unknown
  std::vector<Owner> owners;          // never empty: at least one of kind unknown
  std::vector<std::string> evidence;  // how the owners are known: "getfsmap", "fiemap", "index", "handle", …

  friend bool operator==(const ObservedRange&, const ObservedRange&) = default;
};

// Paged by ranges.
struct Observation {
  DeviceInfo device;
  std::string boot_id;
  std::vector<ObservedRange> ranges;

  friend bool operator==(const Observation&, const Observation&) = default;
};

// What would be done to one incident? The worker looks itself; `owners` is what pmend believes (names may be left out),
// and a difference is refused as unresolved.
struct PlanRequest {
  std::string device;
  std::string device_id;
  std::vector<ByteRange> ranges;  // the bad bytes of the incident
  std::vector<Owner> owners;
  std::vector<Method> methods;  // that policy allows, in order of preference

  friend bool operator==(const PlanRequest&, const PlanRequest&) = default;
};
// Exactly one of the two.
struct PlanReply {
  std::optional<Plan> plan;
  std::optional<PlanRefusal> refusal;

  friend bool operator==(const PlanReply&, const PlanReply&) = default;
};

// Where is this file, or whose is this range? Exactly one of `where` and `path`.
struct DeviceRange {
  std::string device;
  ByteRange device_range;  // JSON: members offset and length

  friend bool operator==(const DeviceRange&, const DeviceRange&) = default;
};
// Many ranges of one device in one question, in any order; at most kMostLocateRanges, so that it fits into a message.
inline constexpr std::size_t kMostLocateRanges = 1000;
struct DeviceRanges {
  std::string device;
  std::vector<ByteRange> ranges;

  friend bool operator==(const DeviceRanges&, const DeviceRanges&) = default;
};
// One of them.
struct LocateRequest {
  std::optional<DeviceRange> where;
  std::optional<FilePath> path;
  std::optional<DeviceRanges> among;  // what lies behind the end of the device is left out of the answer

  friend bool operator==(const LocateRequest&, const LocateRequest&) = default;
};
// Paged by owners.
struct LocateReply {
  DeviceInfo device;
  std::vector<Owner> owners;   // in order of device offset, or of file offset if a path was asked for
  std::vector<ByteRange> bad;  // what of them is listed as bad, device ranges

  friend bool operator==(const LocateReply&, const LocateReply&) = default;
};

struct DeviceRequest {
  std::string device;

  friend bool operator==(const DeviceRequest&, const DeviceRequest&) = default;
};

// What a scrub found of one kind: how much in all, and the first ranges of it, as many as fit.
struct ScrubFinds {
  std::uint64_t bytes = 0;
  std::vector<ByteRange> ranges;

  friend bool operator==(const ScrubFinds&, const ScrubFinds&) = default;
};
// How a scrub ended: a device was read directly from its beginning to `done`.
struct ScrubReply {
  std::string device;
  std::string device_id;
  std::string source;  // the kind of list that the device has, as in MediaErrorList
  std::uint64_t size = 0;
  std::uint64_t done = 0;
  bool cancelled = false;
  ScrubFinds unreadable;  // the medium has lost them
  ScrubFinds unlisted;    // those of them that the list did not have: source "read" has them now, other lists have not
  ScrubFinds unanswered;  // no answer in time: nobody knows, and they are not listed

  friend bool operator==(const ScrubReply&, const ScrubReply&) = default;
};

// What one source has done since the worker began to watch.
struct SourceCounters {
  std::string source;          // as in MediaErrorList, or "udev"
  std::string place;           // node, region or path that it watches
  std::uint64_t events = 0;    // that told something new
  std::uint64_t spurious = 0;  // wake-ups after which nothing was new
  std::uint64_t gaps = 0;      // something could not be read, or was lost
  std::uint64_t rereads = 0;   // readings without a wake-up

  friend bool operator==(const SourceCounters&, const SourceCounters&) = default;
};
struct CountersReply {
  std::vector<SourceCounters> sources;

  friend bool operator==(const CountersReply&, const CountersReply&) = default;
};

// Which processes have these files open or mapped now?
struct OpenersRequest {
  std::string device;
  std::string device_id;
  std::string filesystem;  // UUID, empty if it has none
  std::vector<FileId> files;

  friend bool operator==(const OpenersRequest&, const OpenersRequest&) = default;
};
struct FileOpeners {
  FileId file;  // JSON: members inode and generation
  std::vector<OpenBy> open_by;

  friend bool operator==(const FileOpeners&, const FileOpeners&) = default;
};
// Paged by files: those that were asked for and are still there.
struct OpenersReply {
  std::vector<FileOpeners> files;

  friend bool operator==(const OpenersReply&, const OpenersReply&) = default;
};

// All regular files of the mounted file systems on a device, by name; a part of them, and where to go on. Nothing is
// kept between two parts, so that it takes no more memory for more files; what comes and goes meanwhile can be missed.
struct FilesPlace {
  std::uint64_t volume = 0;       // of the device, counted from 0
  std::optional<FilePath> after;  // below its root; names come in order, part by part between slashes

  friend bool operator==(const FilesPlace&, const FilesPlace&) = default;
};
struct FilesRequest {
  std::string device;
  std::string device_id;
  std::optional<FilesPlace> from;  // absent: the beginning

  friend bool operator==(const FilesRequest&, const FilesRequest&) = default;
};
// Paged by files.
struct FilesReply {
  std::vector<FilePath> files;        // absolute
  std::vector<std::string> not_seen;  // what could not be looked at and why, for people, the first few of this part
  std::optional<FilesPlace> next;     // there are more

  friend bool operator==(const FilesReply&, const FilesReply&) = default;
};

Json to_json(const DeviceInfo& device);
void read_json(const JsonReader& in, DeviceInfo& device);
Json to_json(const ListedDevice& device);
void read_json(const JsonReader& in, ListedDevice& device);
Json to_json(const WatchRequest& request);
void read_json(const JsonReader& in, WatchRequest& request);
Json to_json(const WatchReply& reply);
void read_json(const JsonReader& in, WatchReply& reply);
Json to_json(const ObserveRequest& request);
void read_json(const JsonReader& in, ObserveRequest& request);
Json to_json(const ObservedRange& range);
void read_json(const JsonReader& in, ObservedRange& range);
Json to_json(const Observation& observation);
void read_json(const JsonReader& in, Observation& observation);
Json to_json(const PlanRequest& request);
void read_json(const JsonReader& in, PlanRequest& request);
Json to_json(const PlanReply& reply);
void read_json(const JsonReader& in, PlanReply& reply);
Json to_json(const DeviceRange& where);
void read_json(const JsonReader& in, DeviceRange& where);
Json to_json(const DeviceRanges& among);
void read_json(const JsonReader& in, DeviceRanges& among);
Json to_json(const LocateRequest& request);
void read_json(const JsonReader& in, LocateRequest& request);
Json to_json(const LocateReply& reply);
void read_json(const JsonReader& in, LocateReply& reply);
Json to_json(const DeviceRequest& request);
void read_json(const JsonReader& in, DeviceRequest& request);
Json to_json(const ScrubFinds& finds);
void read_json(const JsonReader& in, ScrubFinds& finds);
Json to_json(const SourceCounters& counters);
void read_json(const JsonReader& in, SourceCounters& counters);
Json to_json(const CountersReply& reply);
void read_json(const JsonReader& in, CountersReply& reply);
Json to_json(const ScrubReply& reply);
void read_json(const JsonReader& in, ScrubReply& reply);
Json to_json(const OpenersRequest& request);
void read_json(const JsonReader& in, OpenersRequest& request);
Json to_json(const FileOpeners& openers);
void read_json(const JsonReader& in, FileOpeners& openers);
Json to_json(const OpenersReply& reply);
void read_json(const JsonReader& in, OpenersReply& reply);
Json to_json(const FilesPlace& place);
void read_json(const JsonReader& in, FilesPlace& place);
Json to_json(const FilesRequest& request);
void read_json(const JsonReader& in, FilesRequest& request);
Json to_json(const FilesReply& reply);
void read_json(const JsonReader& in, FilesReply& reply);

}  // namespace pmend::protocol
