// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_source.hpp"

#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace pmend::worker {
namespace {

struct Wanted {
  const char* system;
  const char* event;
  const char* filter;
  const char* instead_of;  // only where the kernel does not have this one; empty: always
};

// What a read of a medium that has lost the bytes gives (repair::is_medium_error()), by number: filters know no names.
constexpr const char* kLostBlocks = "(error == -5 || error == -61 || error == -84 || error == -121) && rwbs ~ \"R*\"";

constexpr std::array kWanted = {
    Wanted{"ras", "memory_failure_event", "", ""},
    // Corrected errors are many and of no interest: bit 61 says uncorrected, bit 44 (AMD) deferred.
    Wanted{"mce", "mce_record", "status & 0x2000100000000000", ""},
    Wanted{"block", "block_rq_error", kLostBlocks, ""},
    Wanted{"block", "block_rq_complete", kLostBlocks, "block:block_rq_error"},  // before Linux 5.18
    Wanted{"cxl", "cxl_poison", "", ""},
    Wanted{"cxl", "cxl_general_media", "", ""},
    Wanted{"cxl", "cxl_dram", "", ""},
};

// A storm of events must not starve the loop: the bell goes on ringing while something is left.
constexpr int kPagesPerTurn = 64;

}  // namespace

TraceSource::TraceSource(boost::asio::io_context& io, const std::string& proc, Handlers handlers)
    : handlers_(std::move(handlers)) {
  if (const Status started = start(io, proc); !started) {
    absent_ = started.error().message();
    instance_.reset();
    events_.clear();
  }
}

Status TraceSource::start(boost::asio::io_context& io, const std::string& proc) {
  const auto tracing = find_tracefs(proc);
  if (!tracing) {
    return fail(Errc::kUnsupported, "tracefs is not mounted");
  }
  if (const Status ready = set_up(*tracing); !ready) {
    return ready;
  }
  page_.resize(decoder_->page_bytes());
  try {
    watch_ = std::make_unique<loop::FdWatch>(io, instance_->bell().get(), loop::FdWatch::For::kReadable,
                                             [this] { read_some(); });
  } catch (const boost::system::system_error& error) {
    return fail_errno("watch tracefs", error.code().value());
  }
  return {};
}

Status TraceSource::set_up(const std::string& tracing) {
  const auto header = read_text_file(tracing + "/events/header_page");
  auto decoder = header ? TraceDecoder::create(*header) : tl::make_unexpected(header.error());
  auto instance = decoder ? TraceInstance::create(tracing) : tl::make_unexpected(decoder.error());
  if (!instance) {
    return tl::make_unexpected(instance.error());
  }
  decoder_.emplace(std::move(*decoder));
  instance_.emplace(std::move(*instance));
  for (const Wanted& wanted : kWanted) {
    const std::string name = std::string(wanted.system) + ":" + wanted.event;
    if (std::ranges::find(events_, wanted.instead_of) != events_.end()) {
      continue;
    }
    const auto format = read_text_file(tracing + "/events/" + wanted.system + "/" + wanted.event + "/format");
    if (format && decoder_->add_format(wanted.system, *format) &&
        instance_->enable(wanted.system, wanted.event, wanted.filter)) {
      events_.push_back(name);
    }
  }
  return events_.empty() ? fail(Errc::kUnsupported, "this kernel has none of the events") : Status();
}

void TraceSource::read_some() {
  int pages = 0;
  for (const UniqueFd& pipe : instance_->pipes()) {
    while (pages < kPagesPerTurn) {
      const ssize_t n = read(pipe.get(), page_.data(), page_.size());
      if (n <= 0) {
        break;
      }
      ++pages;
      receive(decoder_->decode({page_.data(), static_cast<std::size_t>(n)}));
    }
  }
}

void TraceSource::receive(const TracePage& page) {
  if (page.lost + page.unreadable > 0) {
    handlers_.on_lost(page.lost + page.unreadable);
  }
  for (const TraceEvent& event : page.events) {
    handlers_.on_event(event);
  }
}

}  // namespace pmend::worker
