// SPDX-License-Identifier: Apache-2.0
#include "demo/scenes.hpp"

#include "pmend/base/text.hpp"
#include "support/must.hpp"

#include <fcntl.h>

#include <chrono>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr std::uint64_t kBlock = 4096;
constexpr ByteRange kSector{kBlock + 1024, 512};  // of a file: in its second block

std::string at(const Scenery& scenery, const ByteRange& device) {
  return "sector " + std::to_string(device.offset / 512) + " of the " + scenery.name + " medium";
}

json wait_for_state(Stage& stage, Scenery& scenery, const ByteRange& device, const std::string& state) {
  return stage.chain().wait_for_state(scenery.node(), device, state, seconds(30));
}

std::string id_of(const json& incident) {
  return std::to_string(incident.at("id").get<std::uint64_t>());
}

// What pmend says about it, in its own words.
void tell_decision(Story& story, const json& incident) {
  std::string owners;
  for (const json& owner : incident.at("owners")) {
    owners += owners.empty() ? "" : "; ";
    if (owner.at("kind") != "file") {
      owners += owner.at("kind").get<std::string>() + " (" + owner.value("detail", "") + ")";
      continue;
    }
    std::string names;
    for (const json& path : owner.at("paths")) {
      names += (names.empty() ? "" : " = ") + path.at("text").get<std::string>();
    }
    owners += names + ", bytes " + std::to_string(owner.at("file_offset").get<std::uint64_t>()) + "+" +
              std::to_string(owner.at("length").get<std::uint64_t>());
  }
  story.tell("pmend, incident " + id_of(incident) + ": " + owners);
  if (const json& decision = incident.at("decision"); !decision.is_null()) {
    const std::string rule = decision.value("rule", "");
    story.tell("  decided: " + decision.at("action").get<std::string>() +
               (rule.empty() ? ", no rule matches" : ", by rule " + rule));
  }
  for (const json& reason : incident.contains("decision") && !incident.at("decision").is_null()
                                ? incident.at("decision").at("reasons")
                                : json::array()) {
    story.tell("    because " + reason.get<std::string>());
  }
}

void tell_report(Story& story, const json& report) {
  const auto bytes = [&report](const char* what) {
    std::uint64_t sum = 0;
    for (const json& piece : report.at(what)) {
      sum += piece.at("length").get<std::uint64_t>();
    }
    return std::to_string(sum);
  };
  story.tell("  lost " + bytes("lost") + " bytes, salvaged " + bytes("salvaged") + "; written by " +
             report.at("units").at(0).at("method").get<std::string>());
}

bool is_proven(const json& report) {
  const json& proof = report.at("proof");
  return !proof.is_null() && proof.at("badblocks_clear") == true && proof.at("read_back") == true &&
         proof.at("neighbours_unchanged") == true && proof.at("attributes_unchanged") == true &&
         proof.at("extents_before") == proof.at("extents_after");
}

json report_of(Stage& stage, const json& incident) {
  return stage.chain().ctl({"report", id_of(incident)});
}

std::string read_error(const std::string& path, std::uint64_t offset) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_RANDOM);
  std::vector<std::byte> block(kBlock);
  const auto read = read_exactly(fd.get(), block, offset);
  return read ? "" : read.error().code.message();
}

bool still_poisoned(Scenery& scenery, const ByteRange& device) {
  return RangeSet(scenery.world.medium().poisoned()).overlaps(device);
}

// From held to repaired, as a person does it.
void approve(Stage& stage, Scenery& scenery, const json& held, const ByteRange& device) {
  Story& story = stage.story();
  const std::string hash = held.at("plan").at("hash");
  story.expect(still_poisoned(scenery, device), "it waits, and nothing was written");
  const std::string other(hash.size(), hash[0] == '0' ? '1' : '0');
  story.expect(stage.chain().try_ctl({"approve", id_of(held), "--plan", other}).status != 0,
               "consent to another plan is refused");
  story.tell("$ pmendctl approve " + id_of(held) + " --plan " + hash.substr(0, 12) + "…");
  stage.chain().ctl({"approve", id_of(held), "--plan", hash});
  const json report = report_of(stage, wait_for_state(stage, scenery, device, "repaired"));
  tell_report(story, report);
  scenery.lost.insert(device);
  story.expect(is_proven(report) && !still_poisoned(scenery, device),
               "repaired in place, and proven: error gone, bytes as planned, neighbours, extents and attributes equal");
}

}  // namespace

void nothing_is_lost(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const ByteRange device = scenery.poison_cached("dir1/plain15", kSector);
  story.chapter("A sector goes bad whose block is in the page cache: " + at(scenery, device) + ".");
  const json incident = wait_for_state(stage, scenery, device, "repaired");
  tell_decision(story, incident);
  const json report = report_of(stage, incident);
  tell_report(story, report);
  story.expect(report.at("lost").empty() && is_proven(report) && !still_poisoned(scenery, device),
               "healed at once from the cache, nothing is lost, and proven");
}

void a_person_decides(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const std::string name = "odd/new\nline";
  const ByteRange device = scenery.poison_cold(name, kSector);
  story.chapter("A sector of a file that nobody has read lately goes bad: " + at(scenery, device) + ".");
  story.expect(read_error(scenery.world.fs().mount_point() + "/" + name, kBlock) == "Input/output error",
               "an application that reads the block gets: Input/output error");
  const json held = wait_for_state(stage, scenery, device, "held");
  tell_decision(story, held);
  story.expect(held.at("plan").at("bytes_lost") == 512, "said beforehand: 512 bytes would be lost");
  approve(stage, scenery, held, device);
}

void all_names_count(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const ByteRange device = scenery.poison_cold("cache/linked", kSector);
  story.chapter("A file in a cache, of which a rule says that it may lose bytes; but it has a name elsewhere: " +
                at(scenery, device) + ".");
  const json held = wait_for_state(stage, scenery, device, "held");
  tell_decision(story, held);
  story.expect(held.at("owners").at(0).at("paths").size() == 2, "both names were found, and it is held");
  approve(stage, scenery, held, device);
}

void only_watched(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const ByteRange device = scenery.poison_cold("scratch/draft", kSector);
  scenery.left.insert(device);
  story.chapter("A sector of a file that a rule says only to watch: " + at(scenery, device) + ".");
  tell_decision(story, wait_for_state(stage, scenery, device, "observing"));
  story.expect(still_poisoned(scenery, device), "named, recorded, and not touched");
}

void somebody_uses_it(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const ByteRange device = scenery.poison_cold("database/table", kSector);
  const UniqueFd user = must(open_file(scenery.world.fs().mount_point() + "/database/table", O_RDWR));
  story.chapter("A file that a program has open, where a rule allows to freeze the file system for a moment: " +
                at(scenery, device) + ".");
  const json incident = wait_for_state(stage, scenery, device, "repaired");
  tell_decision(story, incident);
  const json report = report_of(stage, incident);
  tell_report(story, report);
  scenery.lost.insert(device);
  story.expect(is_proven(report) && !still_poisoned(scenery, device),
               "its 512 bytes are zeros, everything else is as it was, and the program never closed it");
}

void several_files_share_it(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  const ByteRange device = scenery.poison_cold("shared/clone", kSector);
  story.chapter("A block that two files share (reflink): " + at(scenery, device) + ".");
  const json incident = wait_for_state(stage, scenery, device, "repaired");
  tell_decision(story, incident);
  const json report = report_of(stage, incident);
  tell_report(story, report);
  scenery.lost.insert(device);
  story.expect(report.at("lost").size() == 2 && is_proven(report) && !still_poisoned(scenery, device),
               "repaired where it lies, still shared, and the report names both files");
}

void nobodys_bytes(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  for (const bool is_free : {true, false}) {
    const ByteRange device = is_free ? free_sector(scenery.world) : metadata_sector(scenery.world);
    story.chapter(std::string("A sector goes bad in ") + (is_free ? "free space" : "the file system's own metadata") +
                  ": " + at(scenery, device) + ".");
    scenery.poison_device(device);
    const json incident = wait_for_state(stage, scenery, device, "blocked");
    tell_decision(story, incident);
    story.tell("  blocked: " + incident.value("reason", ""));
    story.expect(
        incident.at("owners").at(0).at("kind") == (is_free ? "free" : "metadata") && still_poisoned(scenery, device),
        "named for what it is, and not touched");
  }
}

void a_burst(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  constexpr std::uint64_t kFiles = 50;
  std::vector<std::pair<FileModel*, ByteRange>> pieces;
  for (std::uint64_t i = 0; i < kFiles; ++i) {
    // Runs of four sectors, some over the edge of a block.
    pieces.emplace_back(&scenery.world.tree().file("cache/page" + std::to_string(i)),
                        ByteRange{(i * 5) % 28 * 512, 4 * 512});
  }
  story.chapter("200 sectors in 50 cache files go bad at the same moment.");
  const auto start = std::chrono::steady_clock::now();
  scenery.poison_cold(pieces);
  RangeSet burst;
  for (const auto& [file, range] : pieces) {
    burst.insert(scenery.world.device_range(*file, range));
  }
  stage.chain().wait_until_all(scenery.node(), burst, {"repaired"}, seconds(60));
  for (const ByteRange& device : burst.ranges()) {
    scenery.lost.insert(device);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", took.count());
  story.expect(true, "all are repaired and proven, a job for each file, in " + std::string(text));
}

void the_reckoning(Stage& stage, Scenery& scenery) {
  Story& story = stage.story();
  story.chapter("At the end every byte of every file is compared with what it must be.");
  const Reported reported = stage.chain().reported(scenery.node());
  story.expect(reported.lost == scenery.lost, "the reports name every byte that was lost, and no other byte");
  scenery.world.mark(scenery.lost, &FileModel::zeros);
  scenery.world.mark(scenery.left, &FileModel::unreadable);
  story.expect(scenery.world.stray_writes(reported.written).empty(),
               "the medium saw no write outside the repaired units and the file system's metadata");
  const auto found = scenery.world.compare();
  for (const Difference& difference : found) {
    story.tell("  oracle: " + to_string(difference));
  }
  story.expect(found.empty(), std::to_string(scenery.world.tree().files().size()) +
                                  " files: every byte, name, size, attribute and extent is as it must be");
  story.expect(RangeSet(scenery.world.medium().poisoned()) == scenery.left,
               "poison is left only where pmend was told to leave it");
}

}  // namespace pmend::world
