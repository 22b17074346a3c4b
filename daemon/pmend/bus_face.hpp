// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/log.hpp"
#include "pmend/bus/bus_pump.hpp"
#include "pmend/bus/bus_service.hpp"
#include "pmend/bus_answers.hpp"

#include <boost/asio/io_context.hpp>
#include <sdbus-c++/IConnection.h>

#include <memory>

namespace pmend::daemon {

// The bus with all that pmend has on it.
class BusFace {
 public:
  // Waits for the bus. `on_lost` as in BusPump. Errors: the errno of the bus.
  static Result<std::unique_ptr<BusFace>> open(boost::asio::io_context& io, const cli::Bus& bus, log::Sink& log,
                                               BusAnswers::Parts parts, bus::BusPump::Lost on_lost);

  bus::BusService& service() { return *service_; }
  BusAnswers& answers() { return answers_; }

 private:
  BusFace(std::unique_ptr<sdbus::IConnection> connection, bus::BusPump pump, BusAnswers::Parts parts);

  // Destroyed from the last to the first: the objects before what they talk through.
  std::unique_ptr<sdbus::IConnection> connection_;
  bus::BusPump pump_;
  BusAnswers answers_;
  std::unique_ptr<bus::BusService> service_;
};

}  // namespace pmend::daemon
