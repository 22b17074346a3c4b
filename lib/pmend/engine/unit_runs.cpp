// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/unit_runs.hpp"

#include "pmend/model/plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace pmend::engine {
namespace {

// `range` cut at unit borders into pieces of at most `most_units` units. After `most_pieces` the rest is one piece.
std::vector<ByteRange> cut(ByteRange rest, std::uint64_t unit, std::uint64_t most_units, std::size_t most_pieces) {
  std::vector<ByteRange> pieces;
  const std::uint64_t most_bytes = unit * most_units;
  std::uint64_t border = rest.offset / unit * unit + most_bytes;
  while (rest.end() > border && pieces.size() + 1 < most_pieces) {
    pieces.push_back({rest.offset, border - rest.offset});
    rest = {border, rest.end() - border};
    border += most_bytes;
  }
  pieces.push_back(rest);
  return pieces;
}

std::string key_of(const Owner& owner) {
  std::string key(to_string(owner.kind));
  if (owner.filesystem) {
    key += " " + owner.filesystem->type + " " + owner.filesystem->uuid;
  }
  if (owner.file) {
    key += " " + std::to_string(owner.file->inode) + "." + std::to_string(owner.file->generation);
  } else {
    key += " " + owner.detail;
  }
  return key;
}

Owner unknown_owner(const ByteRange& where) {
  Owner owner;
  owner.device_range = where;
  owner.detail = "the observer said nothing of it";
  return owner;
}

// What is known of one unit.
struct UnitFacts {
  std::vector<ByteRange> bad;
  std::vector<Owner> owners;
  std::optional<bool> phantom;
};

void add_observed(UnitFacts& facts, const protocol::ObservedRange& observed) {
  for (const Owner& owner : observed.owners) {
    if (std::find(facts.owners.begin(), facts.owners.end(), owner) == facts.owners.end()) {
      facts.owners.push_back(owner);
    }
  }
  if (observed.phantom) {
    facts.phantom = facts.phantom.value_or(false) || *observed.phantom;
  }
}

std::string key_of(const std::vector<Owner>& owners) {
  std::set<std::string> keys;
  for (const Owner& owner : owners) {
    keys.insert(key_of(owner));
  }
  std::string all;
  for (const std::string& key : keys) {
    all += key + "\n";
  }
  return all;
}

// Walks observed ranges along with bad ranges: both are sorted.
class ObservedCursor {
 public:
  explicit ObservedCursor(const std::vector<protocol::ObservedRange>& observed) : observed_(observed) {}

  void gather(UnitFacts& facts, const ByteRange& bad) {
    while (at_ < observed_.size() && observed_[at_].device_range.end() <= bad.offset) {
      ++at_;
    }
    std::uint64_t known_to = bad.offset;
    for (std::size_t i = at_; i < observed_.size() && observed_[i].device_range.offset < bad.end(); ++i) {
      const ByteRange& range = observed_[i].device_range;
      if (range.offset <= known_to) {
        known_to = std::max(known_to, range.end());
      }
      if (range.overlaps(bad)) {
        add_observed(facts, observed_[i]);
      }
    }
    if (known_to < bad.end()) {
      facts.owners.push_back(unknown_owner({known_to, bad.end() - known_to}));
    }
  }

 private:
  const std::vector<protocol::ObservedRange>& observed_;
  std::size_t at_ = 0;
};

void append_unit(std::vector<OwnedRun>& runs, UnitFacts facts) {
  std::string key = key_of(facts.owners);
  if (runs.empty() || runs.back().owner_key != key) {
    runs.push_back({{}, {}, std::nullopt, std::move(key)});
  }
  OwnedRun& run = runs.back();
  for (const ByteRange& bad : facts.bad) {
    if (!run.bad.empty() && run.bad.back().end() == bad.offset) {
      run.bad.back().length += bad.length;
    } else {
      run.bad.push_back(bad);
    }
  }
  for (Owner& owner : facts.owners) {
    if (run.owners.empty() || run.owners.back() != owner) {
      run.owners.push_back(std::move(owner));
    }
  }
  if (facts.phantom) {
    run.phantom = run.phantom.value_or(false) || *facts.phantom;
  }
}

}  // namespace

ByteRange span_of(const BadRun& run) {
  return {run.front().offset, run.back().end() - run.front().offset};
}

bool adjoin(const ByteRange& before, const ByteRange& after, std::uint64_t unit) {
  return round_out(before, unit).end() >= round_out(after, unit).offset;
}

std::uint64_t units_of(const ByteRange& range, std::uint64_t unit) {
  return round_out(range, unit).length / unit;
}

std::vector<BadRun> unit_runs(const std::vector<ByteRange>& bad, std::uint64_t unit, std::size_t most_runs) {
  std::vector<BadRun> runs;
  for (const ByteRange& range : bad) {
    const std::size_t room = most_runs > runs.size() ? most_runs - runs.size() : 1;
    for (const ByteRange& piece : cut(range, unit, kMaxUnitsPerPlan, room)) {
      const bool joins =
          !runs.empty() && adjoin(runs.back().back(), piece, unit) &&
          units_of({runs.back().front().offset, piece.end() - runs.back().front().offset}, unit) <= kMaxUnitsPerPlan;
      if (joins) {
        runs.back().push_back(piece);
      } else {
        runs.push_back({piece});
      }
    }
  }
  return runs;
}

std::vector<OwnedRun> split_by_owner(const BadRun& run, const std::vector<protocol::ObservedRange>& observed,
                                     std::uint64_t unit) {
  std::vector<OwnedRun> runs;
  ObservedCursor cursor(observed);
  UnitFacts facts;
  std::uint64_t unit_of_facts = 0;
  for (const ByteRange& range : run) {
    for (const ByteRange& piece : cut(range, unit, 1, kMaxUnitsPerPlan)) {
      if (!facts.bad.empty() && piece.offset / unit != unit_of_facts) {
        append_unit(runs, std::exchange(facts, {}));
      }
      unit_of_facts = piece.offset / unit;
      facts.bad.push_back(piece);
      cursor.gather(facts, piece);
    }
  }
  if (!facts.bad.empty()) {
    append_unit(runs, std::move(facts));
  }
  return runs;
}

}  // namespace pmend::engine
