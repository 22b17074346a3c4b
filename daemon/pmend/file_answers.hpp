// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"
#include "pmend/device_views.hpp"
#include "pmend/observer_client.hpp"
#include "pmend/recorder.hpp"

namespace pmend::daemon {

// What people ask about files: who has them open, and which are to be brought away from a device. What the ledger knows
// is taken from there, the rest is looked up by the observing worker.
class FileAnswers {
 public:
  // All outlive it.
  FileAnswers(Recorder& recorder, ObserverClient& observer, const DeviceViews& devices)
      : recorder_(recorder), observer_(observer), devices_(devices) {}

  // `incident` as the ledger has it.
  void openers(const Incident& incident, const bus::Reply<protocol::OpenersReply>& reply) const;
  void endangered(const bus::FilesQuery& query, const bus::Reply<bus::FilesPart>& reply) const;

 private:
  void all_files(const bus::FilesQuery& query, const bus::Reply<bus::FilesPart>& reply) const;

  Recorder& recorder_;
  ObserverClient& observer_;
  const DeviceViews& devices_;
};

// What an error of the observing worker is on the bus.
bus::Failure failure_of(const protocol::ReplyError& error);

}  // namespace pmend::daemon
