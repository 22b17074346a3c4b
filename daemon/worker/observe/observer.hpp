// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "loop/message_link.hpp"
#include "worker/observe/ars_scrubs.hpp"
#include "worker/observe/device_monitor.hpp"
#include "worker/observe/indexes.hpp"
#include "worker/observe/list_watch.hpp"
#include "worker/observe/nvdimms.hpp"
#include "worker/observe/pages.hpp"
#include "worker/observe/rest_search.hpp"
#include "worker/observe/scrubs.hpp"
#include "worker/observe/trace_news.hpp"
#include "worker/places.hpp"
#include "worker/request_child.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend::worker {

// The observing worker: watches lists, devices and mounts, and answers questions, each in a child. It writes nothing
// but pmend's own lists of bad sectors, and its loop reads no medium.
class Observer {
 public:
  // `on_end` is called once the connection has ended: the process has nothing more to do.
  Observer(boost::asio::io_context& io, Setting setting, UniqueFd socket, std::function<void(std::string)> on_end);

 private:
  // A device that is watched. Without `list` its description is being found out.
  struct Watched {
    protocol::DeviceInfo info;
    std::unique_ptr<ListWatch> list;
  };

  void receive(protocol::Message message);
  void receive_request(const protocol::Request& request);
  void watch(const protocol::Request& request);
  void take_config(std::vector<std::string>& problems);
  void take_configured(const std::vector<protocol::ListedDevice>& wanted, std::vector<std::string>& problems);
  // One question that opens files at a time for each device: they would be in each other's way.
  void queue_plan(const protocol::Request& request);
  void start_next_plan(const std::string& device);
  void answer(const protocol::Request& request, std::function<Answer()> work, std::function<void()> then = {});
  void reply(RequestId id, Answer answer);
  void send(const protocol::Message& message);

  void count(RequestId id);
  // What a device is known by whose list is watched.
  std::optional<std::string> id_of(const std::string& node) const;

  void scan_soon();
  void scan_devices();
  void add_device(const std::string& node);
  void drop_device(const std::string& node);
  void device_described(const std::string& node, const Answer& answer);
  // Where the list is pmend's own: what it has is read from the device again.
  void reread(const std::string& node);
  void list_read(const std::string& node, const std::string& source, const Result<repair::BadList>& list);
  void watch_mounts(protocol::WatchReply& reply);
  void watch_traces(protocol::WatchReply& reply);
  void send_event(protocol::EventKind kind, Json body) { send(protocol::Event{kind, std::move(body)}); }

  void run_child(std::chrono::milliseconds limit, const std::function<Answer()>& work,
                 std::function<void(Answer)> on_answer);

  boost::asio::io_context& io_;
  Setting setting_;
  std::function<void(std::string)> on_end_;
  loop::MessageLink link_;
  bool greeted_ = false;
  bool all_devices_ = false;
  std::set<std::string> configured_;  // nodes that are asked for by name
  std::map<std::string, Watched> devices_;
  std::unique_ptr<DeviceMonitor> monitor_;
  UniqueFd mountinfo_;
  std::unique_ptr<loop::FdWatch> mounts_;
  Pages pages_;
  // What the parts below are given to work with.
  RunChild in_child_;
  std::function<void(const protocol::Message&)> send_;
  std::function<void(const MediaErrorList&)> tell_;
  std::function<void(const std::string& source, const std::string& text)> notice_;
  Scrubs scrubs_;
  Nvdimms nvdimms_;
  ArsScrubs ars_scrubs_;
  RestSearch rest_;
  std::unique_ptr<TraceNews> traces_;  // since the first watch
  loop::Deadline next_scan_;
  Indexes indexes_;
  std::map<std::uint64_t, std::unique_ptr<RequestChild>> children_;
  std::uint64_t next_child_ = 0;
  struct Waiting {
    protocol::Request request;
    std::chrono::steady_clock::time_point received;
  };
  std::map<std::string, std::deque<Waiting>> plans_;  // by device; the first is under way
};

}  // namespace pmend::worker
