// SPDX-License-Identifier: Apache-2.0
#include "medium/gate.hpp"

#include "medium/words.hpp"
#include "pmend/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pmend::medium {
namespace {

constexpr std::array<std::pair<std::string_view, std::optional<Operation>>, 4> kOperations{
    {{"read", Operation::kRead}, {"write", Operation::kWrite}, {"zero", Operation::kZero}, {"any", std::nullopt}}};

Result<GateRule> parse_rule(const std::vector<std::string_view>& words) {
  const auto operation = std::ranges::find(kOperations, words[1], [](const auto& entry) { return entry.first; });
  const auto offset = parse_u64(words[2]);
  const auto length = parse_u64(words[3]);
  if (operation == kOperations.end() || !offset || !length || *length == 0) {
    return fail(Errc::kInvalid, "bad rule");
  }
  const auto range = make_byte_range(*offset, *length);
  if (!range) {
    return tl::make_unexpected(range.error());
  }
  return GateRule{operation->second, *range, words[0] == "hold-one"};
}

Result<GateCommand> parse_command(std::string_view line) {
  const auto words = split_words(line);
  if (words.size() == 1 && words[0] == "release") {
    return GateCommand{GateCommand::Kind::kRelease, {}};
  }
  if (words.size() == 1 && words[0] == "fail") {
    return GateCommand{GateCommand::Kind::kFail, {}};
  }
  if (words.size() != 4 || (words[0] != "hold" && words[0] != "hold-one")) {
    return fail(Errc::kInvalid, "gate '" + escape_bytes(line.substr(0, 64)) + "'");
  }
  const auto rule = parse_rule(words);
  if (!rule) {
    return tl::make_unexpected(rule.error());
  }
  return GateCommand{GateCommand::Kind::kHold, *rule};
}

std::string describe_range(const ByteRange& range) {
  return " " + std::to_string(range.offset) + " " + std::to_string(range.length) + "\n";
}

std::string describe_rule(const GateRule& rule) {
  const auto name = std::ranges::find(kOperations, rule.operation, [](const auto& entry) { return entry.second; });
  return (rule.once ? "hold-one " : "hold ") + std::string(name->first) + describe_range(rule.range);
}

}  // namespace

bool GateRule::matches(const Request& request) const {
  const Operation asked = request.operation == Operation::kDiscard ? Operation::kZero : request.operation;
  return operation.value_or(asked) == asked && range.overlaps(request.range);
}

Result<std::vector<GateCommand>> parse_gate_commands(std::string_view text) {
  std::vector<GateCommand> commands;
  for (const std::string_view line : split_lines(text)) {
    const auto command = parse_command(line);
    if (!command) {
      return tl::make_unexpected(command.error());
    }
    commands.push_back(*command);
  }
  return commands;
}

bool Gate::park(const Request& request, Completion& done) {
  const std::lock_guard lock(mutex_);
  const auto rule = std::ranges::find_if(rules_, [&](const GateRule& r) { return r.matches(request); });
  if (rule == rules_.end()) {
    return false;
  }
  if (rule->once) {
    rules_.erase(rule);
  }
  parked_.emplace_back(request, std::move(done));
  return true;
}

void Gate::add(const GateRule& rule) {
  const std::lock_guard lock(mutex_);
  rules_.push_back(rule);
}

std::vector<HeldRequest> Gate::open() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
  return std::exchange(parked_, {});
}

std::string Gate::describe() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const GateRule& rule : rules_) {
    text += describe_rule(rule);
  }
  for (const HeldRequest& held : parked_) {
    text += "parked " + std::string(to_string(held.request.operation)) + describe_range(held.request.range);
  }
  return text;
}

}  // namespace pmend::medium
