// SPDX-License-Identifier: Apache-2.0
#include "samples.hpp"

namespace pmend::samples {
namespace {

constexpr ByteRange kUnitRange{1048576, 4096};
constexpr ByteRange kBadRange{1050112, 512};

FileSystemRef filesystem() {
  return {.type = "xfs", .uuid = "3e6b0c1c-66b1-4d92-a4f7-7d6d5b1f2c11", .label = "data\xFF", .mount_point = "/srv"};
}

ManifestRange manifest_range() {
  return {.paths = {{"/srv/a"}, {"/srv/b\xFF"}}, .inode = 131, .file_offset = 42496, .device_range = kBadRange};
}

}  // namespace

std::string digest(char letter) {
  return std::string(64, letter);
}

Owner file_owner() {
  return {.kind = OwnerKind::kFile,
          .filesystem = filesystem(),
          .file = FileId{131, 77},
          .paths = {{"/srv/a"}, {"/srv/b\xFF"}},
          .all_names = true,
          .file_offset = 42496,
          .device_range = kBadRange,
          .shared = true,
          .unwritten = true,
          .detail = "attribute fork",
          .attributes = FileAttributes{.uid = 1000, .gid = 100, .mode = 0100644, .size = 65536},
          .open_by = std::vector<OpenBy>{{.pid = 4711, .comm = "post\xFFgres", .unit = "pg.service", .mapped = true}},
          .xattrs = std::vector<Xattr>{{.name = "user.pmend.hold", .value = std::string("\0yes", 4)}}};
}

Unit unit() {
  return {.device_range = kUnitRange, .method = Method::kRecoveryWrite, .sectors = "gggLCRgg"};
}

PlannedUnit planned_unit() {
  return {.unit = unit(), .mappings = {{.file = {131, 77}, .file_offset = 40960, .device_range = kUnitRange}}};
}

Plan plan() {
  return {.device = "/dev/pmem0",
          .device_id = "ns:8f0c",
          .boot_id = "11b3",
          .owner = OwnerKind::kFile,
          .filesystem = filesystem(),
          .method = Method::kRecoveryWrite,
          .units = {planned_unit()},
          .bad = {{1050112, 1536}},
          .salvageable = {{1048576, 1536}, {1050624, 2048}},
          .lost = {kBadRange},
          .restored = {{.device_range = {1051136, 512}, .sha256 = digest('a')}}};
}

PlanBasis basis() {
  return {.rule = "postgres-asks", .policy_hash = digest('b')};
}

Incident incident() {
  return {.id = {7},
          .state = IncidentState::kHeld,
          .device = "/dev/pmem0",
          .device_id = "ns:8f0c",
          .device_range = kBadRange,
          .sources = {"badblocks", "ars"},
          .first_seen = from_rfc3339("2026-11-22T09:00:00Z").value(),
          .seen = 2,
          .owners = {file_owner()},
          .plan = summary_of(plan(), digest('c')),
          .decision = Decision{.action = Action::kHold, .rule = "postgres-asks", .reasons = {"path matches"}},
          .job = JobId{3},
          .outcome = Outcome::kBusyRetry,
          .reason = "waits for approval"};
}

Proof proof() {
  return {.badblocks_clear = true,
          .read_back = true,
          .neighbours_unchanged = true,
          .extents_before = digest('d'),
          .extents_after = digest('e'),
          .attributes_unchanged = true};
}

LossManifest manifest() {
  return {.lost = {manifest_range()},
          .salvaged = {{.range = manifest_range(), .from = SavedFrom::kPageCache}},
          .restored = {{.range = manifest_range(), .from = SavedFrom::kHook}},
          .units = {unit()}};
}

Report report() {
  return {.incident = incident(),
          .manifest = manifest(),
          .approval = Approval{.plan_hash = digest('c'), .who = "uid 1000 (anna)", .when = incident().first_seen},
          .proof = proof()};
}

Step step() {
  return {.job = {3},
          .index = 1,
          .kind = StepKind::kFrozenWrite,
          .device_range = kUnitRange,
          .spool_sha256 = digest('f'),
          .outcome = Outcome::kSucceeded,
          .reason = "proven"};
}

MediaErrorList media_errors() {
  return {.device = "/dev/pmem0",
          .device_id = "ns:8f0c",
          .source = "badblocks",
          .ranges = {kBadRange, {1050624, 512}},
          .complete = true};
}

protocol::PmemInfo pmem_info() {
  return {.name_space = "namespace0.0",
          .region = "region0",
          .bus = "ACPI.NFIT",
          .mode = protocol::PmemMode::kFsdax,
          .physical_start = 1U << 30U,
          .dimms = {{.name = "nmem0", .id = "8680-56341200", .handle = 1, .health = "ok"},
                    {.name = "nmem1", .id = "8680-57341200", .handle = 17, .health = "not armed"}},
          .clearing = {.can = protocol::CanClear::kNo,
                       .reason = "its firmware has no command clear_error",
                       .advice = "bring back the files"}};
}

protocol::DeviceInfo device_info() {
  return {.device = "/dev/pmem0",
          .device_id = "ns:8f0c",
          .size = 1U << 30U,
          .logical_block_size = 512,
          .physical_block_size = 4096,
          .repair_unit = 4096,
          .fast_zero = 1U << 22U,
          .dax = true,
          .filesystem = filesystem(),
          .pmem = pmem_info()};
}

protocol::Observation observation() {
  return {.device = device_info(),
          .boot_id = "11b3",
          .ranges = {{.device_range = kBadRange,
                      .listed = protocol::Listed::kYes,
                      .readable = protocol::Readable::kNo,
                      .phantom = false,
                      .owners = {file_owner()},
                      .evidence = {"getfsmap", "fiemap"}}}};
}

protocol::PlanRequest plan_request() {
  return {.device = "/dev/pmem0",
          .device_id = "ns:8f0c",
          .ranges = {kBadRange},
          .owners = {file_owner()},
          .methods = {Method::kRedirty, Method::kRecoveryWrite}};
}

protocol::ScrubReply scrub_reply() {
  return {.device = "/dev/sdb",
          .device_id = "wwn:1",
          .source = "read",
          .size = 1U << 30U,
          .done = 1U << 30U,
          .unreadable = {.bytes = 1024, .ranges = {{4096, 512}, {1048576, 512}}},
          .unlisted = {.bytes = 512, .ranges = {{1048576, 512}}}};
}

protocol::RepairRequest repair_request() {
  return {.job = {3}, .plan = plan(), .plan_hash = digest('c'), .basis = basis(), .spool_key = "job-3"};
}

protocol::RepairReply repair_reply() {
  return {.job = {3},
          .outcome = Outcome::kPartlyDone,
          .reason = "second unit in use",
          .proof = proof(),
          .manifest = manifest()};
}

protocol::InspectReply inspect_reply() {
  return {.locks = {{.kind = protocol::LockKind::kFilesystem,
                     .name = "3e6b0c1c",
                     .job = JobId{3},
                     .pid = 815,
                     .uninterruptible = true}},
          .spool_keys = {"job-3"},
          .frozen = {{"/srv"}}};
}

}  // namespace pmend::samples
