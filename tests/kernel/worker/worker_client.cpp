// SPDX-License-Identifier: Apache-2.0
#include "kernel/worker/worker_client.hpp"

#include "loop/message_link.hpp"
#include "pmend/model/json_text.hpp"
#include "support/residue.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string_view>
#include <thread>

namespace pmend::world {
namespace {

constexpr int kConnectTries = 500;

UniqueFd connect_when_ready(const std::string& socket) {
  for (int i = 0; i < kConnectTries; ++i) {
    auto fd = loop::connect_message_socket(socket);
    if (fd) {
      return std::move(*fd);
    }
    // The listener is starting; it tells nobody when it is there.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw Failure("pmend-worker does not listen on " + socket);
}

// How setpriv(1) names the capabilities of a unit's CapabilityBoundingSet=.
std::string bounding_set(const std::string& unit) {
  const std::string text = must(read_text_file(std::string(PMEND_SOURCE_DIR) + "/systemd/" + unit));
  std::smatch line;
  if (!std::regex_search(text, line, std::regex("\nCapabilityBoundingSet=([^\n]+)"))) {
    throw Failure(unit + " has no CapabilityBoundingSet=");
  }
  std::istringstream names(line[1].str());
  std::string set = "-all";
  for (std::string name; names >> name;) {
    set += ",+" + name.substr(std::string_view("CAP_").size());
  }
  std::ranges::transform(set, set.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return set;
}

}  // namespace

WorkerService::WorkerService(World& world, const std::string& unit, ListKind list)
    : directory_(world.directory() + "/worker"), socket_(directory_ + "/socket"), unit_(unit) {
  std::filesystem::create_directories(directory_);
  must(replace_file(list_file(), "\n"));
  Json device = {{"device", world.loop().node()}};
  watch_.all_devices = false;
  watch_.devices = {{world.loop().node(), std::nullopt, 60}};
  if (list != ListKind::kOwn) {
    const std::string path = list == ListKind::kFile ? list_file() : world.medium().badblocks_path();
    device["badblocks"] = path;
    watch_.devices[0].badblocks = FilePath{path};
  }
  must(replace_file(directory_ + "/pmend.json", to_json_text({{"auto", false}, {"devices", Json::array({device})}})));
  start();
}

void WorkerService::start() {
  ChildOptions options;
  options.output_file = directory_ + "/log";
  process_ = Child({"setpriv", "--no-new-privs", "--bounding-set=" + bounding_set(unit_),
                    program_directory() + "/pmend-worker", "--listen", socket_, "--config", directory_ + "/pmend.json",
                    "--spool-dir", spool_dir(), "--runtime-dir", directory_ + "/run"},
                   options);
}

void WorkerService::kill_and_restart() {
  process_.kill();
  for (const pid_t pid : processes_naming(spool_dir())) {
    ::kill(pid, SIGKILL);
  }
  start();
}

WorkerClient::WorkerClient(const WorkerService& service, protocol::Role role)
    : link_(std::make_unique<worker::BlockingLink>(connect_when_ready(service.socket()))) {
  must(link_->send(protocol::Hello{protocol::kVersion, role, static_cast<std::uint32_t>(getpid())}));
  hello_ = std::get<protocol::Hello>(receive());
}

protocol::Message WorkerClient::receive(std::chrono::milliseconds limit) {
  return must(link_->receive(limit));
}

RequestId WorkerClient::send(protocol::Verb verb, Json body, std::chrono::milliseconds deadline) {
  const RequestId id{next_id_++};
  must(link_->send(protocol::Request{id, verb, static_cast<std::uint64_t>(deadline.count()), {}, std::move(body)}));
  return id;
}

void WorkerClient::cancel(RequestId request) {
  must(link_->send(protocol::Cancel{request}));
}

Json WorkerClient::ask_raw(protocol::Verb verb, Json body) {
  const RequestId id = send(verb, std::move(body));
  while (true) {
    const protocol::Message message = receive();
    if (const auto* event = std::get_if<protocol::Event>(&message)) {
      events_.push_back(*event);
    }
    const auto* reply = std::get_if<protocol::Reply>(&message);
    if (reply == nullptr || reply->id != id) {
      continue;
    }
    if (reply->error) {
      throw Failure(std::string(pmend::to_string(reply->error->code)) + ": " + reply->error->what);
    }
    return *reply->body;
  }
}

Json WorkerClient::next_event(protocol::EventKind kind) {
  while (true) {
    const auto found = std::ranges::find(events_, kind, &protocol::Event::kind);
    if (found != events_.end()) {
      Json body = found->body;
      events_.erase(found);
      return body;
    }
    const protocol::Message message = receive();
    if (const auto* event = std::get_if<protocol::Event>(&message)) {
      events_.push_back(*event);
    }
  }
}

}  // namespace pmend::world
