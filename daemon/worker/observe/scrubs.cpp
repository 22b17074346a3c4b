// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/scrubs.hpp"

#include "pmend/model/json_reader.hpp"
#include "worker/scrub_walk.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace pmend::worker {
namespace {

constexpr std::chrono::milliseconds kTellEvery{500};

}  // namespace

Scrubs::Scrubs(boost::asio::io_context& io, Send send, RunChild run_child)
    : send_(std::move(send)), run_child_(std::move(run_child)), next_tell_(io) {}

void Scrubs::start(const Setting& setting, const protocol::Request& request) {
  using protocol::ErrorCode;
  using protocol::ReplyError;
  const auto wanted = from_json<protocol::DeviceRequest>(request.body);
  if (!wanted) {
    return answer(request.id, tl::make_unexpected(ReplyError{ErrorCode::kInvalid, wanted.error().message()}));
  }
  const std::string& device = wanted->device;
  if (std::ranges::any_of(running_, [&](const auto& one) { return one.second.device == device; })) {
    return answer(request.id,
                  tl::make_unexpected(ReplyError{ErrorCode::kBusy, "a scrub of " + device + " is under way"}));
  }
  auto memory = repair::SharedBuffer::create(sizeof(ScrubBoard));
  if (!memory) {
    return answer(request.id, tl::make_unexpected(reply_error(memory.error())));
  }
  ScrubBoard& board = *new (memory->bytes().data()) ScrubBoard();
  running_.emplace(request.id, Running{device, std::move(*memory), board});
  run_child_(
      std::chrono::milliseconds(request.deadline_ms),
      [setting, wanted = *wanted, &board]() -> Answer {
        const auto reply = scrub(setting, wanted, board);
        return reply ? Answer(to_json(*reply)) : tl::make_unexpected(reply_error(reply.error()));
      },
      [this, id = request.id](Answer reply) { answer(id, std::move(reply)); });
  next_tell_.set(kTellEvery, [this] { tell_progress(); });
}

void Scrubs::cancel(RequestId id) {
  if (const auto found = running_.find(id); found != running_.end()) {
    found->second.board.cancelled = true;
  }
}

bool Scrubs::is_reading(const std::string& device, const ByteRange& device_range) const {
  return std::ranges::any_of(running_, [&](const auto& one) {
    const std::uint64_t done = one.second.board.done;
    const std::uint64_t from = done - std::min(done, kScrubPieceBytes);
    return one.second.device == device && device_range.overlaps({from, done + kScrubPieceBytes - from});
  });
}

void Scrubs::tell_progress() {
  for (auto& [id, scrub] : running_) {
    const std::uint64_t done = scrub.board.done;
    if (done != std::exchange(scrub.told, done)) {
      send_(protocol::Progress{id, done, scrub.board.total});
    }
  }
  if (!running_.empty()) {
    next_tell_.set(kTellEvery, [this] { tell_progress(); });
  }
}

void Scrubs::answer(RequestId id, Answer answer) {
  running_.erase(id);
  protocol::Reply reply{id, {}, {}, {}};
  if (answer) {
    reply.body = std::move(*answer);
  } else {
    reply.error = std::move(answer.error());
  }
  send_(reply);
}

}  // namespace pmend::worker
