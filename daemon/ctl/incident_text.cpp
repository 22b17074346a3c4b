// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"

#include "ctl/text.hpp"

#include <ostream>
#include <string_view>

namespace pmend::ctl {
namespace {

void print_field(std::ostream& out, std::string_view name, const std::string& value) {
  constexpr std::size_t kColumn = 14;
  out << "  " << name << std::string(kColumn - name.size(), ' ') << value << '\n';
}

void print_reason(std::ostream& out, const Incident& incident) {
  if (!incident.reason.empty()) {
    print_field(out, "because", safe_line(incident.reason));
  }
}

std::string owners_text(const Incident& incident) {
  if (incident.owners.empty()) {
    return "not known yet";
  }
  const std::size_t others = incident.owners.size() - 1;
  return owner_text(incident.owners.front()) + (others == 0 ? "" : " (and " + count(others, "other owner") + ")");
}

std::string where_in_file(const Owner& owner) {
  return owner.file_offset ? ", " + span_text(*owner.file_offset, owner.device_range.length) : std::string();
}

void print_owner(std::ostream& out, const Owner& owner) {
  print_field(out, "belongs to", owner_text(owner) + where_in_file(owner));
  for (std::size_t i = 1; i < owner.paths.size(); ++i) {
    print_field(out, "also named", path_text(owner.paths[i]));
  }
  if (owner.kind == OwnerKind::kFile && !owner.all_names) {
    print_field(out, "names",
                owner.paths.empty() ? "none was found in time, or it is deleted; pmendctl locate looks longer"
                                    : "it may have more than these; pmendctl locate looks longer");
  }
  if (owner.shared) {
    print_field(out, "shared", "other files have the same blocks");
  }
  for (const OpenBy& process : owner.open_by.value_or(std::vector<OpenBy>())) {
    print_field(out, "open by",
                path_text({process.comm}) + " (pid " + std::to_string(process.pid) +
                    (process.unit.empty() ? "" : ", " + safe_line(process.unit)) + ")" +
                    (process.mapped ? ", mapped" : ""));
  }
}

void print_plan(std::ostream& out, const PlanSummary& plan) {
  print_field(out, "plan",
              std::string(to_string(plan.method)) + " of " + count(plan.units, "unit") + ": " +
                  count(plan.bytes_bad, "byte") + " bad, " + std::to_string(plan.bytes_salvageable) +
                  " can be saved, " + std::to_string(plan.bytes_lost) + " would be lost");
  print_field(out, "plan hash", plan.hash);
}

void print_decision(std::ostream& out, const Decision& decision) {
  print_field(out, "decision",
              std::string(to_string(decision.action)) +
                  (decision.rule.empty() ? ", no rule matches" : ", by the rule \"" + safe_line(decision.rule) + "\""));
  for (const std::string& reason : decision.reasons) {
    print_field(out, "because", safe_line(reason));
  }
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    out += (out.empty() ? "" : ", ") + safe_line(text);
  }
  return out;
}

void print_medium(std::ostream& out, const MediumPlace& place) {
  print_field(out, "memory",
              safe_line(place.region) +
                  (place.physical ? ", physical address " + std::to_string(*place.physical) : std::string()) +
                  (place.dimms.empty() ? "" : ", on " + joined(place.dimms)));
}

void print_past(std::ostream& out, const Incident& incident) {
  if (incident.recurrence) {
    print_field(out, "recurrence",
                "repaired here " + count(incident.recurrence->repairs, "time") + " before, last " +
                    to_rfc3339(incident.recurrence->last));
  }
  for (const EarlierRepair& earlier : incident.earlier) {
    print_field(out, "before",
                "incident " + std::to_string(earlier.incident.value) + ", " + to_string(earlier.device_range) +
                    ", seen " + to_rfc3339(earlier.first_seen) + ", repaired " + to_rfc3339(earlier.repaired) +
                    (earlier.method ? " by " + std::string(to_string(*earlier.method)) : "") + ", " +
                    count(earlier.bytes_lost, "byte") + " lost");
  }
}

std::string heading(const Incident& incident) {
  return "Incident " + std::to_string(incident.id.value) + " on " + safe_line(incident.device) + ": " +
         std::string(to_string(incident.state));
}

std::string range_text(const ManifestRange& range) {
  std::string on_device = "at " + to_string(range.device_range) + " of the device";
  if (range.paths.empty() && !range.inode) {
    return on_device;
  }
  std::string names;
  for (const FilePath& path : range.paths) {
    names += (names.empty() ? "" : ", ") + path_text(path);
  }
  const std::string file = names.empty() ? "inode " + std::to_string(*range.inode) : names;
  return file + ": " + (range.file_offset ? span_text(*range.file_offset, range.device_range.length) + ", " : "") +
         on_device;
}

void print_ranges(std::ostream& out, std::string_view title, const std::vector<ManifestRange>& ranges) {
  std::uint64_t bytes = 0;
  for (const ManifestRange& range : ranges) {
    bytes += range.device_range.length;
  }
  out << title << ": " << (ranges.empty() ? "nothing" : count(bytes, "byte")) << '\n';
  for (const ManifestRange& range : ranges) {
    out << "  " << range_text(range) << '\n';
  }
}

std::string source_text(SavedFrom from) {
  switch (from) {
    case SavedFrom::kPageCache:
      return "from the page cache";
    case SavedFrom::kSectors:
      return "from readable sectors";
    case SavedFrom::kHook:
      return "by a restore hook";
  }
  return "";
}

void print_saved(std::ostream& out, std::string_view title, const std::vector<SavedRange>& saved) {
  if (saved.empty()) {
    out << title << ": nothing\n";
    return;
  }
  out << title << ":\n";
  for (const SavedRange& range : saved) {
    out << "  " << count(range.range.device_range.length, "byte") << ' ' << source_text(range.from) << ", "
        << range_text(range.range) << '\n';
  }
}

std::string extents_text(const Proof& proof) {
  if (!proof.extents_before || !proof.extents_after) {
    return "no file";
  }
  return proof.extents_before == proof.extents_after ? "unchanged" : "moved";
}

void print_proof(std::ostream& out, const Proof& proof) {
  const auto yes_no = [](bool value) { return std::string(value ? "yes" : "NO"); };
  out << "Proof:\n";
  out << "  error no longer listed: " << yes_no(proof.badblocks_clear) << '\n';
  out << "  bytes read back as planned: " << yes_no(proof.read_back) << '\n';
  out << "  neighbours unchanged: " << yes_no(proof.neighbours_unchanged) << '\n';
  out << "  place on the device: " << extents_text(proof) << '\n';
  out << "  mode, owner, size, attributes unchanged: " << yes_no(proof.attributes_unchanged) << '\n';
}

}  // namespace

void print_incident_table(std::ostream& out, const std::vector<Incident>& incidents) {
  constexpr auto kRight = Column::Set::kRight;
  std::vector<std::vector<std::string>> rows;
  rows.reserve(incidents.size());
  for (const Incident& incident : incidents) {
    rows.push_back({std::to_string(incident.id.value), std::string(to_string(incident.state)),
                    safe_line(incident.device), std::to_string(incident.device_range.offset),
                    std::to_string(incident.device_range.length),
                    incident.plan ? std::to_string(incident.plan->bytes_lost) : "?", owners_text(incident)});
  }
  print_table(
      out, {{"ID", kRight}, {"STATE"}, {"DEVICE"}, {"OFFSET", kRight}, {"LENGTH", kRight}, {"LOST", kRight}, {"OWNER"}},
      rows);
}

void print_incident(std::ostream& out, const Incident& incident) {
  out << heading(incident) << '\n';
  print_reason(out, incident);
  print_field(out, "device id", safe_line(incident.device_id));
  print_field(out, "bad",
              span_text(incident.device_range.offset, incident.device_range.length) + " of the device (" +
                  to_string(incident.device_range) + ")");
  print_field(out, "reported by",
              joined(incident.sources) + ", first " + to_rfc3339(incident.first_seen) + ", seen " +
                  count(incident.seen, "time"));
  if (incident.medium) {
    print_medium(out, *incident.medium);
  }
  print_past(out, incident);
  for (const Owner& owner : incident.owners) {
    print_owner(out, owner);
  }
  if (incident.plan) {
    print_plan(out, *incident.plan);
  }
  if (incident.decision) {
    print_decision(out, *incident.decision);
  }
  if (incident.job) {
    print_field(out, "job",
                std::to_string(incident.job->value) +
                    (incident.outcome ? ": " + std::string(to_string(*incident.outcome)) : std::string()));
  }
}

void print_report(std::ostream& out, const Report& report) {
  out << heading(report.incident) << '\n';
  print_reason(out, report.incident);
  for (const Owner& owner : report.incident.owners) {
    print_owner(out, owner);
  }
  if (report.approval) {
    print_field(out, "approved by", safe_line(report.approval->who) + ", " + to_rfc3339(report.approval->when));
  }
  print_ranges(out, "Lost", report.manifest.lost);
  print_saved(out, "Salvaged", report.manifest.salvaged);
  print_saved(out, "Restored", report.manifest.restored);
  for (const Unit& unit : report.manifest.units) {
    out << "Written: " << to_string(unit.device_range) << " of the device by " << to_string(unit.method) << ", sectors "
        << unit.sectors << '\n';
  }
  if (report.proof) {
    print_proof(out, *report.proof);
  }
}

std::string transition_text(const Incident& incident, const std::string& old_state, const std::string& new_state) {
  return "incident " + std::to_string(incident.id.value) + " on " + safe_line(incident.device) + ": " +
         (old_state.empty() ? "new" : safe_line(old_state)) + " -> " + safe_line(new_state) + ", " +
         owners_text(incident) + (incident.reason.empty() ? "" : " (" + safe_line(incident.reason) + ")");
}

namespace {

// Of a file; the details of other owners are part of their text.
std::string way_of(const Owner& owner) {
  return owner.kind == OwnerKind::kFile && !owner.detail.empty() ? " (" + safe_line(owner.detail) + ")" : "";
}

}  // namespace

void print_location(std::ostream& out, const protocol::LocateReply& location) {
  constexpr auto kRight = Column::Set::kRight;
  std::vector<std::vector<std::string>> rows;
  for (const Owner& owner : location.owners) {
    rows.push_back({std::to_string(owner.device_range.offset), std::to_string(owner.device_range.length),
                    owner.file_offset ? std::to_string(*owner.file_offset) : "-", owner_text(owner) + way_of(owner)});
  }
  out << safe_line(location.device.device) << " (" << safe_line(location.device.device_id) << ")\n";
  print_table(out, {{"DEVICE OFFSET", kRight}, {"LENGTH", kRight}, {"FILE OFFSET", kRight}, {"OWNER"}}, rows);
  for (const ByteRange& bad : location.bad) {
    out << "bad: " << to_string(bad) << " of the device\n";
  }
}

}  // namespace pmend::ctl
