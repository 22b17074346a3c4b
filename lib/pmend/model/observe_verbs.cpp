// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/observe_verbs.hpp"

#include "pmend/model/json_fields.hpp"
#include "pmend/model/range_list.hpp"

#include <bit>

namespace pmend::protocol {
namespace {

void check_geometry(const JsonReader& in, const DeviceInfo& device) {
  if (!std::has_single_bit(device.logical_block_size) || device.logical_block_size < kSectorBytes) {
    in.problem("logical_block_size: expected a power of two, 512 or more");
  }
  if (!std::has_single_bit(device.repair_unit) || device.repair_unit < device.logical_block_size) {
    in.problem("repair_unit: expected a power of two, logical_block_size or more");
  }
}

}  // namespace

template <class Fields, ConstOr<DeviceInfo> T>
void describe(Fields& field, T& device) {
  field("device", device.device);
  field("device_id", device.device_id);
  field("size", device.size);
  field("logical_block_size", device.logical_block_size);
  field("physical_block_size", device.physical_block_size);
  field("repair_unit", device.repair_unit);
  field("fast_zero", device.fast_zero);
  field("dax", device.dax);
  field("filesystem", device.filesystem);
  field("pmem", device.pmem);
  field.check([&](const JsonReader& in) { check_geometry(in, device); });
}
Json to_json(const DeviceInfo& device) {
  return write_fields(device);
}
void read_json(const JsonReader& in, DeviceInfo& device) {
  read_fields(in, device);
}

template <class Fields, ConstOr<ListedDevice> T>
void describe(Fields& field, T& device) {
  field("device", device.device);
  field("badblocks", device.badblocks);
  field("interval_s", device.interval_s);
  field.check([&](const JsonReader& in) {
    if (device.interval_s == 0 || device.interval_s > kMaxIntervalS) {
      in.problem("interval_s: expected 1 to " + std::to_string(kMaxIntervalS));
    }
  });
}
Json to_json(const ListedDevice& device) {
  return write_fields(device);
}
void read_json(const JsonReader& in, ListedDevice& device) {
  read_fields(in, device);
}

template <class Fields, ConstOr<WatchRequest> T>
void describe(Fields& field, T& request) {
  field("all_devices", request.all_devices);
  field("devices", request.devices);
}
Json to_json(const WatchRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, WatchRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<WatchReply> T>
void describe(Fields& field, T& reply) {
  field("sources", reply.sources);
  field("problems", reply.problems);
  field("absent", reply.absent);
}
Json to_json(const WatchReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, WatchReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<ObserveRequest> T>
void describe(Fields& field, T& request) {
  field("device", request.device);
  field("device_id", request.device_id);
  field("ranges", request.ranges);
  field("facts", request.facts);
  field("names_ms", request.names_ms);
}
Json to_json(const ObserveRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, ObserveRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<ObservedRange> T>
void describe(Fields& field, T& range) {
  field.range("offset", "length", range.device_range);
  field("listed", range.listed);
  field("readable", range.readable);
  field("phantom", range.phantom);
  field("owners", range.owners);
  field("evidence", range.evidence);
  field.check([&](const JsonReader& in) {
    if (range.owners.empty()) {
      in.problem("expected at least one owner, of kind \"unknown\" if nothing is known");
    }
  });
}
Json to_json(const ObservedRange& range) {
  return write_fields(range);
}
void read_json(const JsonReader& in, ObservedRange& range) {
  read_fields(in, range);
}

template <class Fields, ConstOr<Observation> T>
void describe(Fields& field, T& observation) {
  field("device", observation.device);
  field("boot_id", observation.boot_id);
  field("ranges", observation.ranges);
}
Json to_json(const Observation& observation) {
  return write_fields(observation);
}
void read_json(const JsonReader& in, Observation& observation) {
  read_fields(in, observation);
}

template <class Fields, ConstOr<PlanRequest> T>
void describe(Fields& field, T& request) {
  field("device", request.device);
  field("device_id", request.device_id);
  field("ranges", request.ranges);
  field("owners", request.owners);
  field("methods", request.methods);
}
Json to_json(const PlanRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, PlanRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<PlanReply> T>
void describe(Fields& field, T& reply) {
  field("plan", reply.plan);
  field("refusal", reply.refusal);
  field.check([&](const JsonReader& in) {
    if (reply.plan.has_value() == reply.refusal.has_value()) {
      in.problem("expected either a plan or a refusal");
    }
  });
}
Json to_json(const PlanReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, PlanReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<DeviceRange> T>
void describe(Fields& field, T& where) {
  field("device", where.device);
  field.range("offset", "length", where.device_range);
}
Json to_json(const DeviceRange& where) {
  return write_fields(where);
}
void read_json(const JsonReader& in, DeviceRange& where) {
  read_fields(in, where);
}

template <class Fields, ConstOr<DeviceRanges> T>
void describe(Fields& field, T& among) {
  field("device", among.device);
  field("ranges", among.ranges);
  field.check([&](const JsonReader& in) {
    if (among.ranges.empty() || among.ranges.size() > kMostLocateRanges) {
      in.problem("expected 1 to " + std::to_string(kMostLocateRanges) + " ranges");
    }
  });
}
Json to_json(const DeviceRanges& among) {
  return write_fields(among);
}
void read_json(const JsonReader& in, DeviceRanges& among) {
  read_fields(in, among);
}

template <class Fields, ConstOr<LocateRequest> T>
void describe(Fields& field, T& request) {
  field("where", request.where);
  field("path", request.path);
  field("among", request.among);
  field.check([&](const JsonReader& in) {
    if (request.where.has_value() + request.path.has_value() + request.among.has_value() != 1) {
      in.problem("expected one of where, path and among");
    }
  });
}
Json to_json(const LocateRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, LocateRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<LocateReply> T>
void describe(Fields& field, T& reply) {
  field("device", reply.device);
  field("owners", reply.owners);
  field("bad", reply.bad);
}
Json to_json(const LocateReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, LocateReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<DeviceRequest> T>
void describe(Fields& field, T& request) {
  field("device", request.device);
}
Json to_json(const DeviceRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, DeviceRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<ScrubFinds> T>
void describe(Fields& field, T& finds) {
  field("bytes", finds.bytes);
  field("ranges", finds.ranges);
  field.check([&](const JsonReader& in) {
    if (!are_apart_in_order(finds.ranges)) {
      in.problem("ranges overlap or are out of order");
    }
  });
}
Json to_json(const ScrubFinds& finds) {
  return write_fields(finds);
}
void read_json(const JsonReader& in, ScrubFinds& finds) {
  read_fields(in, finds);
}

template <class Fields, ConstOr<SourceCounters> T>
void describe(Fields& field, T& counters) {
  field("source", counters.source);
  field("place", counters.place);
  field("events", counters.events);
  field("spurious", counters.spurious);
  field("gaps", counters.gaps);
  field("rereads", counters.rereads);
}
Json to_json(const SourceCounters& counters) {
  return write_fields(counters);
}
void read_json(const JsonReader& in, SourceCounters& counters) {
  read_fields(in, counters);
}

template <class Fields, ConstOr<CountersReply> T>
void describe(Fields& field, T& reply) {
  field("sources", reply.sources);
}
Json to_json(const CountersReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, CountersReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<ScrubReply> T>
void describe(Fields& field, T& reply) {
  field("device", reply.device);
  field("device_id", reply.device_id);
  field("source", reply.source);
  field("size", reply.size);
  field("done", reply.done);
  field("cancelled", reply.cancelled);
  field("unreadable", reply.unreadable);
  field("unlisted", reply.unlisted);
  field("unanswered", reply.unanswered);
}
Json to_json(const ScrubReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, ScrubReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<OpenersRequest> T>
void describe(Fields& field, T& request) {
  field("device", request.device);
  field("device_id", request.device_id);
  field("filesystem", request.filesystem);
  field("files", request.files);
}
Json to_json(const OpenersRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, OpenersRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<FileOpeners> T>
void describe(Fields& field, T& openers) {
  field("inode", openers.file.inode);
  field("generation", openers.file.generation);
  field("open_by", openers.open_by);
}
Json to_json(const FileOpeners& openers) {
  return write_fields(openers);
}
void read_json(const JsonReader& in, FileOpeners& openers) {
  read_fields(in, openers);
}

template <class Fields, ConstOr<OpenersReply> T>
void describe(Fields& field, T& reply) {
  field("files", reply.files);
}
Json to_json(const OpenersReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, OpenersReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<FilesPlace> T>
void describe(Fields& field, T& place) {
  field("volume", place.volume);
  field("after", place.after);
}
Json to_json(const FilesPlace& place) {
  return write_fields(place);
}
void read_json(const JsonReader& in, FilesPlace& place) {
  read_fields(in, place);
}

template <class Fields, ConstOr<FilesRequest> T>
void describe(Fields& field, T& request) {
  field("device", request.device);
  field("device_id", request.device_id);
  field("from", request.from);
}
Json to_json(const FilesRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, FilesRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<FilesReply> T>
void describe(Fields& field, T& reply) {
  field("files", reply.files);
  field("not_seen", reply.not_seen);
  field("next", reply.next);
}
Json to_json(const FilesReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, FilesReply& reply) {
  read_fields(in, reply);
}

}  // namespace pmend::protocol
