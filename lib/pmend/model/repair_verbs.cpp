// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/repair_verbs.hpp"

#include "pmend/model/json_fields.hpp"

#include <algorithm>

namespace pmend::protocol {

bool is_spool_key(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && text.front() != '-' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

namespace {

void check_spool_key(const JsonReader& in, const std::string& key) {
  if (!is_spool_key(key)) {
    in.problem("a spool key is 1 to 64 of a-z, 0-9 and hyphen, not starting with a hyphen");
  }
}

}  // namespace

template <class Fields, ConstOr<RepairRequest> T>
void describe(Fields& field, T& request) {
  field("job", request.job);
  field("plan", request.plan);
  field.sha256("plan_hash", request.plan_hash);
  field("basis", request.basis);
  field("spool_key", request.spool_key);
  field.unless_default("first_step", request.first_step);
  field.check([&](const JsonReader& in) { check_spool_key(in, request.spool_key); });
}
Json to_json(const RepairRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, RepairRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<RepairReply> T>
void describe(Fields& field, T& reply) {
  field("job", reply.job);
  field("outcome", reply.outcome);
  field("reason", reply.reason);
  field.nullable("proof", reply.proof);
  field("manifest", reply.manifest);
}
Json to_json(const RepairReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, RepairReply& reply) {
  read_fields(in, reply);
}

template <class Fields, ConstOr<ProceedRequest> T>
void describe(Fields& field, T& request) {
  field("job", request.job);
  field("index", request.index);
}
Json to_json(const ProceedRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, ProceedRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<ReleaseRequest> T>
void describe(Fields& field, T& request) {
  field("job", request.job);
  field("spool_key", request.spool_key);
  field.check([&](const JsonReader& in) { check_spool_key(in, request.spool_key); });
}
Json to_json(const ReleaseRequest& request) {
  return write_fields(request);
}
void read_json(const JsonReader& in, ReleaseRequest& request) {
  read_fields(in, request);
}

template <class Fields, ConstOr<HeldLock> T>
void describe(Fields& field, T& lock) {
  field("kind", lock.kind);
  field("name", lock.name);
  field("job", lock.job);
  field("pid", lock.pid);
  field("uninterruptible", lock.uninterruptible);
}
Json to_json(const HeldLock& lock) {
  return write_fields(lock);
}
void read_json(const JsonReader& in, HeldLock& lock) {
  read_fields(in, lock);
}

template <class Fields, ConstOr<InspectReply> T>
void describe(Fields& field, T& reply) {
  field("locks", reply.locks);
  field("spool_keys", reply.spool_keys);
  field("frozen", reply.frozen);
  field.check([&](const JsonReader& in) {
    std::for_each(reply.spool_keys.begin(), reply.spool_keys.end(),
                  [&](const std::string& key) { check_spool_key(in, key); });
  });
}
Json to_json(const InspectReply& reply) {
  return write_fields(reply);
}
void read_json(const JsonReader& in, InspectReply& reply) {
  read_fields(in, reply);
}

}  // namespace pmend::protocol
