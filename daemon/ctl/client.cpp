// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.hpp"

#include "bus/complete.hpp"
#include "bus/connect.hpp"
#include "bus/names.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <dbus/org.pmend1.Manager-proxy.hpp>
#include <type_traits>
#include <utility>

namespace pmend::ctl {
namespace {

using bus::Dict;

// Locating a file's blocks can walk a whole file system. A pmend that is gone is noticed at once by the bus.
constexpr std::chrono::seconds kCallTimeout{120};

struct ErrorStatus {
  std::string_view name;  // or what it starts with
  int status;
};
constexpr std::array kErrorStatuses = {
    ErrorStatus{bus::kErrorNotFound, kExitNotFound},
    ErrorStatus{bus::kErrorNotAuthorized, kExitNotAuthorized},
    ErrorStatus{"org.freedesktop.DBus.Error.AccessDenied", kExitNotAuthorized},
    ErrorStatus{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", kExitNotAuthorized},
    ErrorStatus{"org.pmend1.Error.", kExitFailed},
    ErrorStatus{"org.freedesktop.DBus.Error.ServiceUnknown", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.NameHasNoOwner", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.Spawn.", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.NoReply", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.Disconnected", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.NoServer", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.Timeout", cli::kExitUnavailable},
    ErrorStatus{"org.freedesktop.DBus.Error.TimedOut", cli::kExitUnavailable},
    ErrorStatus{"System.Error.ENOTCONN", cli::kExitUnavailable},
    ErrorStatus{"System.Error.ECONNRESET", cli::kExitUnavailable},
    ErrorStatus{"System.Error.EPIPE", cli::kExitUnavailable},
    ErrorStatus{"System.Error.ETIMEDOUT", cli::kExitUnavailable},
};

Problem problem_of(const sdbus::Error& error) {
  const int status = status_of_error(error.getName());
  const bool unreachable = status == cli::kExitUnavailable;
  return {.status = status, .text = (unreachable ? "cannot reach pmend: " : "") + error.getMessage()};
}

// Runs a call whose only failures are those of the bus.
template <class Body>
auto ask(const Body& body) -> Asked<std::invoke_result_t<Body>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const sdbus::Error& error) {
    return tl::make_unexpected(problem_of(error));
  }
}

nlohmann::json to_array(std::vector<Dict> dicts) {
  nlohmann::json array = nlohmann::json::array();
  for (Dict& dict : dicts) {
    array.push_back(std::move(dict.json));
  }
  return array;
}

}  // namespace

class Client::Proxy final : public sdbus::ProxyInterfaces<org::pmend1::Manager_proxy> {
 public:
  explicit Proxy(sdbus::IConnection& connection) : ProxyInterfaces(connection, bus::kBusName, bus::kRootPath) {}
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  virtual ~Proxy() { unregisterProxy(); }

  void listen(std::function<void(IncidentId, const std::string&, const std::string&)> changed) {
    changed_ = std::move(changed);
    registerProxy();
  }

 private:
  void onIncidentChanged(const std::uint64_t& id, const std::string& old_state, const std::string& new_state) override {
    if (changed_) {
      changed_({id}, old_state, new_state);
    }
  }

  std::function<void(IncidentId, const std::string&, const std::string&)> changed_;
};

struct Client::Session {
  explicit Session(std::unique_ptr<sdbus::IConnection> open) : connection(std::move(open)), pmend(*connection) {}

  std::unique_ptr<sdbus::IConnection> connection;
  Proxy pmend;
};

Client::Client(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Asked<Client> Client::connect(const Options& options) {
  auto connection = options.host.empty() ? bus::open_bus(options.bus) : bus::open_remote_bus(options.host);
  if (!connection) {
    return tl::make_unexpected(Problem{cli::kExitUnavailable, "cannot reach pmend: " + connection.error().what});
  }
  return ask([&] {
    (*connection)->setMethodCallTimeout(kCallTimeout);
    return Client(std::make_unique<Session>(std::move(*connection)));
  });
}

Asked<Client::Json> Client::status() {
  return ask([&] { return session_->pmend.Status().json; });
}

Asked<Client::Json> Client::devices() {
  return ask([&] { return to_array(session_->pmend.ListDevices()); });
}

Asked<Client::Json> Client::incidents(const Json& filter) {
  return ask([&] {
    Json all = Json::array();
    std::string cursor;
    do {
      auto [page, next] = session_->pmend.ListIncidents(Dict(filter), 0, cursor);
      for (Dict& dict : page) {
        all.push_back(bus::complete_incident(std::move(dict.json)));
      }
      cursor = std::move(next);
    } while (!cursor.empty());
    return all;
  });
}

Asked<Client::Json> Client::incident(IncidentId id) {
  return ask([&] { return bus::complete_incident(session_->pmend.GetIncident(id.value).json); });
}

Asked<Client::Json> Client::report(IncidentId id) {
  return ask([&] { return bus::complete_report(session_->pmend.GetReport(id.value).json); });
}

Asked<Client::Json> Client::explain(IncidentId id) {
  return ask([&] { return to_array(session_->pmend.Explain(id.value)); });
}

Asked<Client::Json> Client::openers(IncidentId id) {
  return ask([&] { return to_array(session_->pmend.GetOpeners(id.value)); });
}

Asked<Client::Json> Client::endangered_files(const std::string& device, bool all, const std::string& cursor) {
  return ask([&] {
    auto [files, not_seen, next] = session_->pmend.ListEndangeredFiles(device, all, cursor);
    return Json{{"files", to_array(std::move(files))}, {"not_seen", not_seen}, {"next", next}};
  });
}

Asked<Client::Json> Client::locate(const DeviceRange& range) {
  return ask([&] { return session_->pmend.Locate(range.device, range.range.offset, range.range.length).json; });
}

Asked<Client::Json> Client::locate(const std::string& device, const std::vector<ByteRange>& ranges) {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> lengths;
  for (const ByteRange& range : ranges) {
    offsets.push_back(range.offset);
    lengths.push_back(range.length);
  }
  return ask([&] { return session_->pmend.LocateRanges(device, offsets, lengths).json; });
}

Asked<Client::Json> Client::locate(const std::string& absolute_path) {
  return ask([&] { return session_->pmend.LocatePath({absolute_path.begin(), absolute_path.end()}).json; });
}

Asked<void> Client::approve(IncidentId id, const std::string& plan_hash) {
  return ask([&] { session_->pmend.Approve(id.value, plan_hash); });
}

Asked<void> Client::dismiss(IncidentId id) {
  return ask([&] { session_->pmend.Dismiss(id.value); });
}

Asked<void> Client::retry(IncidentId id) {
  return ask([&] { session_->pmend.Retry(id.value); });
}

Asked<void> Client::pause() {
  return ask([&] { session_->pmend.Pause(); });
}

Asked<void> Client::resume() {
  return ask([&] { session_->pmend.Resume(); });
}

Asked<void> Client::resume_device(const std::string& device) {
  return ask([&] { session_->pmend.ResumeDevice(device); });
}

Asked<void> Client::scrub(const std::string& device) {
  return ask([&] { session_->pmend.Scrub(device); });
}

Asked<void> Client::cancel_scrub(const std::string& device) {
  return ask([&] { session_->pmend.CancelScrub(device); });
}

Asked<Client::Json> Client::scrub_progress(const std::string& device) {
  return ask([&] { return session_->pmend.GetScrub(device).json; });
}

Asked<std::vector<std::string>> Client::reload_policy() {
  return ask([&] { return session_->pmend.ReloadPolicy(); });
}

Asked<void> Client::watch(const Watcher& watcher) {
  const auto stop_unless = [&](bool go_on) {
    if (!go_on) {
      session_->connection->leaveEventLoop();
    }
  };
  return ask([&] {
    session_->pmend.listen([&](IncidentId id, const std::string& old_state, const std::string& new_state) {
      stop_unless(watcher.changed(id, old_state, new_state));
    });
    const std::string match =
        std::string("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") + bus::kBusName +
        "'";
    const auto presence = session_->connection->addMatch(match, [&](sdbus::Message& message) {
      std::string name;
      std::string old_owner;
      std::string new_owner;
      message >> name >> old_owner >> new_owner;
      stop_unless(watcher.presence(!new_owner.empty()));
    });
    watcher.ready();
    session_->connection->enterEventLoop();
  });
}

int status_of_error(std::string_view name) {
  const auto* found = std::find_if(kErrorStatuses.begin(), kErrorStatuses.end(),
                                   [&](const ErrorStatus& row) { return name.starts_with(row.name); });
  return found == kErrorStatuses.end() ? kExitFailed : found->status;
}

}  // namespace pmend::ctl
