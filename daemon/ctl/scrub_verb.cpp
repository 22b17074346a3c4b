// SPDX-License-Identifier: Apache-2.0
#include "ctl/text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <chrono>
#include <ostream>
#include <string>
#include <thread>

namespace pmend::ctl {
namespace {

constexpr std::chrono::milliseconds kLookAgain{250};

// The answer of Manager.GetScrub.
struct ScrubProgress {
  std::string device;
  std::string state;
  std::uint64_t size = 0;
  std::uint64_t done = 0;
  std::string reason;
  std::optional<std::string> device_id;  // this and what follows: once it has ended
  std::optional<std::string> source;
  std::optional<protocol::ScrubFinds> unreadable;
  std::optional<protocol::ScrubFinds> unlisted;
  std::optional<protocol::ScrubFinds> unanswered;

  bool is_running() const { return state == "running"; }
};

void read_json(const JsonReader& in, ScrubProgress& scrub) {
  FieldReader field(in);
  field("device", scrub.device);
  field("state", scrub.state);
  field("size", scrub.size);
  field("done", scrub.done);
  field("reason", scrub.reason);
  field("device_id", scrub.device_id);
  field("source", scrub.source);
  field("unreadable", scrub.unreadable);
  field("unlisted", scrub.unlisted);
  field("unanswered", scrub.unanswered);
}

void show_progress(const Console& console, const ScrubProgress& scrub) {
  if (console.interactive && scrub.size > 0) {
    console.err << '\r' << scrub.done * 100 / scrub.size << " % of " << scrub.size << " bytes" << std::flush;
  }
}

// The answer when it has ended, as it came.
Asked<nlohmann::json> wait_for_end(Client& client, const std::string& device, const Console& console) {
  while (true) {
    auto answer = client.scrub_progress(device);
    const auto scrub = answer ? understand<ScrubProgress>(*answer) : tl::make_unexpected(answer.error());
    if (!scrub) {
      return tl::make_unexpected(scrub.error());
    }
    show_progress(console, *scrub);
    if (!scrub->is_running()) {
      console.err << (console.interactive ? "\n" : "");
      return answer;
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

void print_finds(std::ostream& out, const std::string& what, const std::optional<protocol::ScrubFinds>& finds) {
  if (!finds || finds->bytes == 0) {
    return;
  }
  out << count(finds->bytes, "byte") << ' ' << what << ":\n";
  for (const ByteRange& range : finds->ranges) {
    out << "  " << span_text(range.offset, range.length) << '\n';
  }
  if (RangeSet(finds->ranges).total_bytes() < finds->bytes) {
    out << "  and more\n";
  }
}

void print_scrub(std::ostream& out, const ScrubProgress& scrub) {
  if (!scrub.unreadable) {
    return;  // it failed, and what it had found by then is not known here
  }
  out << safe_line(scrub.device) << ": " << count(scrub.done, "byte") << " read of " << scrub.size << '\n';
  print_finds(out, "cannot be read", scrub.unreadable);
  const bool own = scrub.source == "read";
  print_finds(out, own ? "of them newly listed" : "of them missing in its list, which pmend does not write",
              scrub.unlisted);
  print_finds(out, "without an answer in time, of which nobody knows", scrub.unanswered);
}

int cancel_scrub(Client& client, const Options& options, const Console& console) {
  if (const auto cancelled = client.cancel_scrub(options.device); !cancelled) {
    return tell(console, cancelled.error());
  }
  const auto answer = wait_for_end(client, options.device, console);
  if (!answer) {
    return tell(console, answer.error());
  }
  if (options.json) {
    print_json(console.out, *answer);
  }
  return cli::kExitDone;
}

}  // namespace

int scrub(Client& client, const Options& options, const Console& console) {
  if (options.cancel) {
    return cancel_scrub(client, options, console);
  }
  if (const auto started = client.scrub(options.device); !started) {
    return tell(console, started.error());
  }
  if (console.interactive) {
    console.err << "It goes on if this is interrupted; pmendctl scrub --cancel ends it.\n";
  }
  const auto answer = wait_for_end(client, options.device, console);
  const auto ended = answer ? understand<ScrubProgress>(*answer) : tl::make_unexpected(answer.error());
  if (!ended) {
    return tell(console, ended.error());
  }
  if (options.json) {
    print_json(console.out, *answer);
  } else {
    print_scrub(console.out, *ended);
  }
  if (ended->state == "done") {
    return cli::kExitDone;
  }
  return tell(console,
              {kExitFailed, "the scrub " + (ended->reason.empty() ? "was cancelled" : "failed: " + ended->reason)});
}

}  // namespace pmend::ctl
