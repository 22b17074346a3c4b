// SPDX-License-Identifier: Apache-2.0
#include "medium/medium.hpp"

#include <utility>

namespace pmend::medium {
namespace {

// After the state could not be saved (disk full) returning poison is tried again.
constexpr std::chrono::seconds kRetryReturn{1};

}  // namespace

Result<std::unique_ptr<Medium>> Medium::open(const Setup& setup) {
  auto image = open_image(setup.image, setup.bytes);
  if (!image) {
    return tl::make_unexpected(image.error());
  }
  auto directory = StateDirectory::open(setup.state_directory);
  if (!directory) {
    return tl::make_unexpected(directory.error());
  }
  auto state = directory->load(image->bytes, Now::of(SystemClock()));
  if (!state) {
    return tl::make_unexpected(state.error());
  }
  auto trace = TraceWriter::open(directory->trace_path());
  if (!trace) {
    return tl::make_unexpected(trace.error());
  }
  return std::unique_ptr<Medium>(
      new Medium(setup, std::move(*directory), std::move(*trace), std::move(*image), std::move(*state)));
}

Medium::Medium(const Setup& setup, StateDirectory directory, TraceWriter trace, Image image, State state)
    : changed_(setup.changed),
      directory_(std::move(directory)),
      trace_(std::move(trace)),
      disk_({.image = std::move(image),
             .state = std::move(state),
             .directory = directory_,
             .trace = trace_,
             .clock = clock_,
             .events = {.list_changed = [this] { changed_(File::kBadblocks); },
                        .return_pending = [this](SteadyTime time) { bring_back_at(time); }}}) {}

void Medium::start() {
  timer_.start();
  if (const auto time = disk_.next_return()) {
    bring_back_at(*time);
  }
}

void Medium::stop() {
  timer_.stop();
  end_parked(GateCommand::Kind::kFail);
}

void Medium::submit(const Request& request, Completion done) {
  if (gate_.park(request, done)) {
    changed_(File::kGate);
    return;
  }
  const auto delay = disk_.mode().delay(request.operation);
  if (delay.count() > 0) {
    defer(request, std::move(done), delay);
    return;
  }
  done(disk_.execute(request));
}

void Medium::defer(const Request& request, Completion done, std::chrono::milliseconds delay) {
  // Shared because a std::function must be copyable.
  const auto held = std::make_shared<HeldRequest>(request, std::move(done));
  timer_.at(clock_.steady() + delay, [this, held](Timer::Wake wake) {
    held->done(wake == Timer::Wake::kDue ? disk_.execute(held->request) : disk_.refuse(held->request));
  });
}

void Medium::bring_back_at(SteadyTime time) {
  timer_.at(time, [this](Timer::Wake wake) {
    // Stopped: it is in the state file and comes back at the next start.
    if (wake == Timer::Wake::kDue && !disk_.bring_back_due()) {
      bring_back_at(clock_.steady() + kRetryReturn);
    }
  });
}

std::string Medium::text(File file) const {
  switch (file) {
    case File::kBadblocks:
      return disk_.badblocks_text();
    case File::kPoison:
      return disk_.poison_text();
    case File::kMode:
      return to_string(disk_.mode()) + "\n";
    case File::kGate:
      return gate_.describe();
    case File::kDisk:
    case File::kTrace:
      break;
  }
  return {};
}

Status Medium::write_text(File file, std::string_view text) {
  switch (file) {
    case File::kBadblocks:
      return edit_list(parse_badblocks_edits(text, disk_.bytes()));
    case File::kPoison:
      return edit_list(parse_phantom_edits(text, disk_.bytes()));
    case File::kMode:
      return disk_.set_mode(text);
    case File::kGate:
      return run_gate_commands(text);
    case File::kDisk:
    case File::kTrace:
      break;
  }
  return fail(Errc::kRefused, "this file cannot be written");
}

Status Medium::edit_list(const Result<std::vector<ListEdit>>& edits) {
  return edits ? disk_.edit(*edits) : tl::make_unexpected(edits.error());
}

Status Medium::run_gate_commands(std::string_view text) {
  const auto commands = parse_gate_commands(text);
  if (!commands) {
    return tl::make_unexpected(commands.error());
  }
  for (const GateCommand& command : *commands) {
    if (command.kind == GateCommand::Kind::kHold) {
      gate_.add(command.rule);
    } else {
      end_parked(command.kind);
    }
  }
  return {};
}

void Medium::end_parked(GateCommand::Kind how) {
  for (const HeldRequest& held : gate_.open()) {
    held.done(how == GateCommand::Kind::kFail ? disk_.refuse(held.request) : disk_.execute(held.request));
  }
}

std::uint64_t Medium::file_bytes(File file) const {
  // What sysfs reports for its text files; readers go on to the end whatever it is.
  constexpr std::uint64_t kTextFileBytes = 4096;
  switch (file) {
    case File::kDisk:
      return disk_.bytes();
    case File::kTrace:
      return trace_.bytes();
    case File::kBadblocks:
    case File::kPoison:
    case File::kMode:
    case File::kGate:
      break;
  }
  return kTextFileBytes;
}

}  // namespace pmend::medium
