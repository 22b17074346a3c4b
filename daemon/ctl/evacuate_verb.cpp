// SPDX-License-Identifier: Apache-2.0
#include "ctl/text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/model/endangered_file.hpp"
#include "pmend/model/json_fields.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;

// Which file it is, for those of which more than the name is known.
using FileKey = std::tuple<std::string, std::uint64_t, std::uint64_t>;

FileKey key_of(const EndangeredFile& file) {
  return {file.filesystem ? file.filesystem->uuid : std::string(), *file.inode, file.generation.value_or(0)};
}

struct Part {
  std::vector<EndangeredFile> files;
  std::vector<std::string> not_seen;
  std::string next;
};

void read_json(const JsonReader& in, Part& part) {
  FieldReader field(in);
  field("files", part.files);
  field("not_seen", part.not_seen);
  field("next", part.next);
  field.finish();
}

// Takes the parts as they come: with --all there may be millions of names, which are printed and not kept.
class Evacuation {
 public:
  Evacuation(const Options& options, const Console& console) : options_(options), console_(console) {}

  void take(Part part) {
    for (EndangeredFile& file : part.files) {
      take(std::move(file));
    }
    for (std::string& what : part.not_seen) {
      console_.err << "Not seen: " << safe_line(what) << '\n';
      not_seen_.push_back(std::move(what));
    }
  }

  int finish() {
    for (const EndangeredFile& file : known_) {
      print(file);
    }
    if (options_.json) {
      print_json(console_.out, {{"device", options_.device}, {"files", files_}, {"not_seen", not_seen_}});
    } else if (!any_) {
      console_.err << (options_.all ? "There is no file on it.\n" : "No file lies on bad bytes of it.\n");
    }
    return not_seen_.empty() && !nameless_ ? cli::kExitDone : kExitFailed;
  }

 private:
  // One that several incidents are about comes with each of them.
  void take(EndangeredFile file) {
    if (!file.inode) {
      print(file);
      return;
    }
    const auto [known, is_new] = places_.emplace(key_of(file), known_.size());
    if (is_new) {
      known_.push_back(std::move(file));
      return;
    }
    EndangeredFile& whole = known_[known->second];
    whole.incidents.insert(whole.incidents.end(), file.incidents.begin(), file.incidents.end());
    if (file.paths.size() > whole.paths.size()) {
      whole.paths = std::move(file.paths);
    }
  }

  void print(const EndangeredFile& file) {
    any_ = true;
    if (file.paths.empty()) {
      nameless_ = true;
      console_.err << "Inode " << file.inode.value_or(0) << " of "
                   << (file.filesystem ? filesystem_text(*file.filesystem) : std::string("?"))
                   << ": its name is not known (deleted, or not found in time; pmendctl locate looks longer)\n";
    }
    if (options_.json) {
      files_.push_back(to_json(file));
      return;
    }
    for (const FilePath& path : file.paths) {
      if (options_.null) {
        console_.out << path.bytes << '\0';
      } else {
        console_.out << path_text(path) << '\n';
      }
    }
  }

  const Options& options_;
  const Console& console_;
  std::vector<EndangeredFile> known_;      // in the order in which they came
  std::map<FileKey, std::size_t> places_;  // in known_
  Json files_ = Json::array();
  std::vector<std::string> not_seen_;
  bool any_ = false;
  bool nameless_ = false;
};

}  // namespace

int evacuate_list(Client& client, const Options& options, const Console& console) {
  Evacuation evacuation(options, console);
  std::string cursor;
  do {
    const auto answer = client.endangered_files(options.device, options.all, cursor);
    if (!answer) {
      return tell(console, answer.error());
    }
    auto part = understand<Part>(*answer);
    if (!part) {
      return tell(console, part.error());
    }
    cursor = std::exchange(part->next, {});
    evacuation.take(std::move(*part));
  } while (!cursor.empty());
  return evacuation.finish();
}

}  // namespace pmend::ctl
