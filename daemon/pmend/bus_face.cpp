// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus_face.hpp"

#include "bus/connect.hpp"
#include "cli/version.hpp"

#include <string>
#include <utility>

namespace pmend::daemon {

Result<std::unique_ptr<BusFace>> BusFace::open(boost::asio::io_context& io, const cli::Bus& bus, log::Sink& log,
                                               BusAnswers::Parts parts, bus::BusPump::Lost on_lost) {
  auto connection = bus::open_bus(bus);
  if (!connection) {
    return tl::make_unexpected(std::move(connection.error()));
  }
  auto pump = bus::BusPump::start(io, **connection, std::move(on_lost));
  if (!pump) {
    return tl::make_unexpected(std::move(pump.error()));
  }
  std::unique_ptr<BusFace> face(new BusFace(std::move(*connection), std::move(*pump), std::move(parts)));
  auto service =
      bus::BusService::make({*face->connection_, face->pump_, face->answers_, log}, std::string(cli::version()));
  if (!service) {
    return tl::make_unexpected(std::move(service.error()));
  }
  face->service_ = std::move(*service);
  return face;
}

BusFace::BusFace(std::unique_ptr<sdbus::IConnection> connection, bus::BusPump pump, BusAnswers::Parts parts)
    : connection_(std::move(connection)), pump_(std::move(pump)), answers_(std::move(parts)) {}

}  // namespace pmend::daemon
