// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/console.hpp"
#include "ctl/options.hpp"
#include "pmend/base/ids.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pmend::ctl {

// pmend, as pmendctl talks to it. Every function waits for the answer. What it gives has the members of the JSON
// contract, those that are null as well. Problems have the status that pmendctl ends with.
class Client {
 public:
  using Json = nlohmann::json;

  // Connects to the bus; pmend itself may turn out not to be there with the first question.
  static Asked<Client> connect(const Options& options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  Asked<Json> status();
  Asked<Json> devices();                      // an array
  Asked<Json> incidents(const Json& filter);  // an array: all pages; the filter as in the D-Bus interface
  Asked<Json> incident(IncidentId id);
  Asked<Json> report(IncidentId id);
  Asked<Json> explain(IncidentId id);  // an array: one object per rule
  Asked<Json> openers(IncidentId id);  // an array: one object per file
  // A part of the files to bring away: members files (an array), not_seen and next, the cursor of the next part.
  Asked<Json> endangered_files(const std::string& device, bool all, const std::string& cursor);
  Asked<Json> locate(const DeviceRange& range);
  // Many ranges of one device, at most protocol::kMostLocateRanges.
  Asked<Json> locate(const std::string& device, const std::vector<ByteRange>& ranges);
  Asked<Json> locate(const std::string& absolute_path);

  Asked<void> approve(IncidentId id, const std::string& plan_hash);
  Asked<void> dismiss(IncidentId id);
  Asked<void> retry(IncidentId id);
  Asked<void> pause();
  Asked<void> resume();
  Asked<void> resume_device(const std::string& device);
  Asked<void> scrub(const std::string& device);  // starts one
  Asked<void> cancel_scrub(const std::string& device);
  Asked<Json> scrub_progress(const std::string& device);
  Asked<std::vector<std::string>> reload_policy();  // problems

  // What watch() tells of. The functions return false to end it.
  struct Watcher {
    std::function<void()> ready;  // nothing is missed from now on
    std::function<bool(IncidentId id, const std::string& old_state, const std::string& new_state)> changed;
    std::function<bool(bool present)> presence;  // pmend has gone, or is back
  };
  // Returns when a function returned false; the bus going away is a problem. Other functions may be called meanwhile.
  Asked<void> watch(const Watcher& watcher);

 private:
  class Proxy;
  struct Session;
  explicit Client(std::unique_ptr<Session> session);

  std::unique_ptr<Session> session_;
};

// The exit status that a D-Bus error name stands for.
int status_of_error(std::string_view name);

}  // namespace pmend::ctl
