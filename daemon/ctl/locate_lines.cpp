// SPDX-License-Identifier: Apache-2.0
#include "ctl/locate_lines.hpp"

#include "ctl/line_reader.hpp"
#include "ctl/locate_batch.hpp"
#include "ctl/patience.hpp"
#include "ctl/place_line.hpp"
#include "ctl/text.hpp"
#include "pmend/model/json_fields.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;

// One object a line of input, in one line.
void print_line_json(std::ostream& out, const LineAnswer& answer) {
  Json object = {{"line", answer.line}};
  if (answer.where) {
    object.update({{"device", to_text(answer.where->device)}, {"range", to_json(answer.where->range)}});
  }
  if (answer.error.empty()) {
    object.update({{"owners", to_json(answer.owners)}, {"bad", to_json(answer.bad)}});
  } else {
    object["error"] = to_text(answer.error);
  }
  print_json(out, std::move(object));
}

// One line for each owner: "7: /dev/sda 1048576+512 bad: /srv/a, file offset 4096".
void print_line_text(std::ostream& out, const LineAnswer& answer) {
  for (const Owner& owner : answer.owners) {
    const bool bad =
        std::ranges::any_of(answer.bad, [&](const ByteRange& range) { return range.overlaps(owner.device_range); });
    out << answer.line << ": " << safe_line(answer.where->device) << ' ' << to_string(owner.device_range)
        << (bad ? " bad: " : ": ") << owner_text(owner);
    if (owner.file_offset) {
      out << ", file offset " << *owner.file_offset;
    }
    out << '\n';
  }
}

class LineLocator {
 public:
  LineLocator(Locator& locator, const Options& options, const Console& console)
      : locator_(locator), options_(options), console_(console), lines_(console.in) {}

  int run() {
    while (const auto line = lines_.next()) {
      take(*line);
      if (batch_.full() && !flush()) {
        return status_;
      }
    }
    if (!flush()) {
      return status_;
    }
    return any_ ? status_ : tell(console_, {kExitNothingToDo, "no line of the input names a place"});
  }

 private:
  void take(const InputLine& line) {
    const PlaceLine place =
        line.too_long ? PlaceLine(tl::make_unexpected("is longer than " + count(LineReader::kLongest, "byte")))
                      : parse_place_line(line.text, {options_.device, options_.block_size});
    if (!place) {
      batch_.add(line.number, tl::make_unexpected(place.error()));
    } else if (*place) {
      batch_.add(line.number, **place);
    }
  }

  // False where it makes no sense to go on.
  bool flush() {
    if (batch_.empty()) {
      return true;
    }
    any_ = true;
    const auto answers = [this] {
      const Patience patience(console_.err, console_.terminal,
                              [this] { return "looking, " + count(answered_, "place") + " answered"; });
      return batch_.ask(locator_);
    }();
    if (!answers) {
      status_ = tell(console_, answers.error());
      return false;
    }
    for (const LineAnswer& answer : *answers) {
      print(answer);
    }
    answered_ += answers->size();
    console_.out.flush();
    return console_.out.good();
  }

  void print(const LineAnswer& answer) {
    if (options_.json) {
      print_line_json(console_.out, answer);
    } else {
      print_line_text(console_.out, answer);
    }
    if (!answer.error.empty()) {
      status_ = tell(console_, {kExitFailed, "line " + std::to_string(answer.line) + ": " + answer.error});
    }
  }

  Locator& locator_;
  const Options& options_;
  const Console& console_;
  LineReader lines_;
  LocateBatch batch_;
  bool any_ = false;
  std::uint64_t answered_ = 0;
  int status_ = cli::kExitDone;
};

}  // namespace

int locate_lines(Locator& locator, const Options& options, const Console& console) {
  return LineLocator(locator, options, console).run();
}

}  // namespace pmend::ctl
