// SPDX-License-Identifier: Apache-2.0
#include "pmend/file_answers.hpp"

#include "pmend/base/text.hpp"
#include "pmend/bus/arguments.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace pmend::daemon {
namespace {

using bus::Answer;
using bus::ErrorCode;

// Each may have a thousand names.
constexpr std::size_t kIncidentsPerPart = 100;

bus::ErrorCode code_of(protocol::ErrorCode code) {
  switch (code) {
    case protocol::ErrorCode::kInvalid:
    case protocol::ErrorCode::kUnsupported:
    case protocol::ErrorCode::kTooLarge:
      return ErrorCode::kInvalid;
    case protocol::ErrorCode::kNotFound:
    case protocol::ErrorCode::kGone:
      return ErrorCode::kNotFound;
    case protocol::ErrorCode::kBusy:
    case protocol::ErrorCode::kTimedOut:
      return ErrorCode::kBusy;
    case protocol::ErrorCode::kWrongRole:
    case protocol::ErrorCode::kPlanChanged:
    case protocol::ErrorCode::kWouldLoseMore:
    case protocol::ErrorCode::kRefused:
    case protocol::ErrorCode::kCancelled:
    case protocol::ErrorCode::kInternal:
      return ErrorCode::kUnavailable;
  }
  return ErrorCode::kUnavailable;
}

std::string uuid_of(const Owner& owner) {
  return owner.filesystem ? owner.filesystem->uuid : std::string();
}

// The files that an incident is about, which lie on one file system.
protocol::OpenersRequest openers_request(const Incident& incident) {
  protocol::OpenersRequest request{incident.device, incident.device_id, {}, {}};
  std::set<FileId> files;
  for (const Owner& owner : incident.owners) {
    if (!owner.file) {
      continue;
    }
    request.filesystem = files.empty() ? uuid_of(owner) : request.filesystem;
    if (uuid_of(owner) == request.filesystem) {
      files.insert(*owner.file);
    }
  }
  request.files = {files.begin(), files.end()};
  return request;
}

// Once each, though it may have several ranges there.
void add_files_of(const Incident& incident, std::vector<EndangeredFile>& files) {
  std::set<FileId> seen;
  for (const Owner& owner : incident.owners) {
    if (owner.kind == OwnerKind::kFile && owner.file && seen.insert(*owner.file).second) {
      files.push_back(
          {owner.filesystem, owner.file->inode, owner.file->generation, owner.paths, std::vector{incident.id}});
    }
  }
}

Answer<bus::FilesPart> on_bad_bytes(LedgerReader& reader, const std::string& device_id, IncidentId after) {
  auto page = reader.endangering(device_id, after, kIncidentsPerPart);
  if (!page) {
    return tl::make_unexpected(bus::failure_of(page.error()));
  }
  // What does not fit into one answer is left to the next.
  const std::size_t count = bus::fitting(page->incidents);
  bus::FilesPart part;
  for (std::size_t i = 0; i < count; ++i) {
    add_files_of(page->incidents[i], part.files);
  }
  part.next =
      bus::to_cursor(count < page->incidents.size() ? std::optional(page->incidents[count - 1].id) : page->next);
  return part;
}

bus::FilesPart part_of(protocol::FilesReply&& reply) {
  bus::FilesPart part;
  for (FilePath& path : reply.files) {
    part.files.push_back({{}, {}, {}, {std::move(path)}, {}});
  }
  part.not_seen = std::move(reply.not_seen);
  part.next = reply.next ? to_json_text(to_json(*reply.next)) : "";
  return part;
}

Answer<std::optional<protocol::FilesPlace>> place_at(const std::string& cursor) {
  if (cursor.empty()) {
    return std::optional<protocol::FilesPlace>();
  }
  const auto json = parse_json_text(cursor, {.size_limit = cursor.size()});
  const auto place = json ? from_json<protocol::FilesPlace>(json->value) : fail(Errc::kInvalid, "");
  if (!place) {
    return bus::refuse(ErrorCode::kInvalid, "cursor: is not one that pmend gave");
  }
  return std::optional(*place);
}

}  // namespace

bus::Failure failure_of(const protocol::ReplyError& error) {
  return {code_of(error.code), error.what};
}

void FileAnswers::openers(const Incident& incident, const bus::Reply<protocol::OpenersReply>& reply) const {
  const protocol::OpenersRequest request = openers_request(incident);
  if (request.files.empty() || !bus::is_open(incident.state)) {
    reply(protocol::OpenersReply{});
    return;
  }
  if (!observer_.observing()) {
    reply(bus::refuse(ErrorCode::kUnavailable, "the observing worker is not there"));
    return;
  }
  observer_.openers(request, [reply](auto found) {
    reply(found ? Answer<protocol::OpenersReply>(std::move(*found)) : tl::make_unexpected(failure_of(found.error())));
  });
}

void FileAnswers::endangered(const bus::FilesQuery& query, const bus::Reply<bus::FilesPart>& reply) const {
  if (query.all) {
    all_files(query, reply);
    return;
  }
  const auto after = query.cursor.empty() ? Result<std::uint64_t>(0) : parse_u64(query.cursor);
  if (!after) {
    reply(bus::refuse(ErrorCode::kInvalid, "cursor: is not one that pmend gave"));
    return;
  }
  recorder_.ask<bus::FilesPart>([device_id = query.device, after = IncidentId{*after}](
                                    LedgerReader& reader) { return on_bad_bytes(reader, device_id, after); },
                                reply);
}

void FileAnswers::all_files(const bus::FilesQuery& query, const bus::Reply<bus::FilesPart>& reply) const {
  const auto device_id = devices_.id_of(query.device);
  const auto place = place_at(query.cursor);
  if (!device_id || !place) {
    reply(device_id ? Answer<bus::FilesPart>(tl::make_unexpected(place.error()))
                    : bus::refuse(ErrorCode::kNotFound, query.device + " is not watched"));
    return;
  }
  if (!observer_.observing()) {
    reply(bus::refuse(ErrorCode::kUnavailable, "the observing worker is not there"));
    return;
  }
  observer_.files({query.device, *device_id, *place}, [reply](auto found) {
    reply(found ? Answer<bus::FilesPart>(part_of(std::move(*found))) : tl::make_unexpected(failure_of(found.error())));
  });
}

}  // namespace pmend::daemon
