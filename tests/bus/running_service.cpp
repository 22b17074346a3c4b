// SPDX-License-Identifier: Apache-2.0
#include "running_service.hpp"

#include "bus/connect.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <stdexcept>

namespace pmend::testing {
namespace {

template <class T>
T or_throw(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message());
  }
  return std::move(*result);
}

}  // namespace

RunningService::RunningService(const std::string& address)
    : connection_(or_throw(bus::open_bus({.kind = cli::Bus::Kind::kAddress, .address = address}))) {
  pump.emplace(or_throw(bus::BusPump::start(io_, *connection_, [this](const std::string& why) {
    if (++losses == 1) {
      lost.set_value(why);
    }
  })));
  service = or_throw(bus::BusService::make({*connection_, *pump, backend, log}, "0.1.0"));
  backend.publish = [this](const Incident& incident) { service->publish(incident); };
  backend.publish_state = [this](const bus::ManagerState& state) { service->state(state); };
  backend.publish_state(backend.state);
  if (const Status claimed = service->claim_name(); !claimed) {
    throw std::runtime_error(claimed.error().message());
  }
  thread_ = std::thread([this] {
    const auto work = boost::asio::make_work_guard(io_);
    io_.run();
  });
}

RunningService::~RunningService() {
  io_.stop();
  thread_.join();
  service.reset();
  pump.reset();
}

void RunningService::run(const std::function<void(RunningService&)>& body) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    body(*this);
    done.set_value();
  });
  done.get_future().get();
}

void RunningService::drop_service() {
  run([](RunningService& self) { self.service.reset(); });
}

}  // namespace pmend::testing
